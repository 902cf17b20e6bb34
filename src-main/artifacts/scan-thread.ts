/** Owns the thread that looks through a tree for a pack, so that neither the caller's events nor its memory know of it. */
import { parentPort, workerData } from 'node:worker_threads';
import { DomainError } from '../contract/errors.ts';
import { type PackScan, type PackScanAnswer, type PackScanOptions, scanForPack } from './pack-scan.ts';

/** Checked by hand: a schema's library takes longer to load than all the rest of the thread. */
function isOptions(data: unknown): data is PackScanOptions {
  return typeof data === 'object' && data !== null && 'root' in data && 'include' in data && 'exclude' in data;
}

if (!isOptions(workerData)) throw new TypeError('A scanning thread was started without its settings.');

const tell = (answer: PackScanAnswer) => parentPort?.postMessage(answer);

scanForPack(workerData).then(
  (scan: PackScan) => tell({ scan }),
  (error: unknown) => {
    if (!(error instanceof DomainError)) throw error;
    tell({ error: error.toView() });
  },
);
