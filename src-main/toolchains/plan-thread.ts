/** Owns the thread in which a tree that somebody just named is planned: hostile files may keep a parser busy, and nobody else may wait for it. */
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { DomainError, messageOf } from '../contract/errors.ts';
import { planFor } from './plan.ts';
import type { PlanAnswer } from './plan-in-thread.ts';

const { root } = z.object({ root: z.string() }).parse(workerData);

const tell = (answer: PlanAnswer) => parentPort?.postMessage(answer);

planFor(root).then(
  plan => tell({ plan }),
  error =>
    tell({ error: (error instanceof DomainError ? error : new DomainError('internal', messageOf(error))).toView() }),
);
