/** Owns the thread that looks through a tree for a pack, so that what it takes to do so is given back before the packing begins. */
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { DomainError } from '../contract/errors.ts';
import { type PackScan, type PackScanAnswer, scanForPack } from './pack-scan.ts';

const options = z
  .object({ root: z.string(), include: z.array(z.string()), exclude: z.array(z.string()) })
  .parse(workerData);

const tell = (answer: PackScanAnswer) => parentPort?.postMessage(answer);

scanForPack(options).then(
  (scan: PackScan) => tell({ scan }),
  (error: unknown) => {
    if (!(error instanceof DomainError)) throw error;
    tell({ error: error.toView() });
  },
);
