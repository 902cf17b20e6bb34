/** Owns the plain views of the worker pool. Times are UTC milliseconds. */
import { z } from 'zod';
import { idSchema } from '../documents.ts';
import { bytes, time } from './units.ts';

/** Whether jobs are taken: `paused` keeps the processes, `drained` ends each as soon as it has no job. */
export const workerModeSchema = z.enum(['running', 'paused', 'drained']);
export type WorkerMode = z.infer<typeof workerModeSchema>;

export const workerViewSchema = z.object({
  id: idSchema,
  name: z.string(),
  pid: z.number().int().nullable(),
  state: z.enum(['starting', 'idle', 'busy', 'leaving']),
  /** Why it leaves. */
  leaving: z.string().nullable(),
  /** What it is at. */
  work: z.string().nullable(),
  jobId: idSchema.nullable(),
  jobsDone: z.number().int().nonnegative(),
  startedAtMs: time,
  checkupAtMs: time,
  memoryBytes: bytes.nullable(),
});
export type WorkerView = z.infer<typeof workerViewSchema>;

export const poolViewSchema = z.object({
  mode: workerModeSchema,
  wanted: z.number().int().nonnegative(),
  sizeReason: z.string(),
  onBattery: z.boolean().nullable(),
  workers: z.array(workerViewSchema),
});
export type PoolView = z.infer<typeof poolViewSchema>;
