/** Owns what the engine and its worker processes say to each other. State goes through the database; these are hints and settings. */
import { z } from 'zod';

export const workerSettingsSchema = z.object({
  workerId: z.uuid(),
  workerName: z.string(),
  databaseFile: z.string(),
  dataFolder: z.string(),
  mainStoreUrl: z.string(),
  /** The opened master key, Base64. Goes over the parent's channel alone: an environment or a command line is read by others. */
  masterKey: z.base64(),
});
export type WorkerSettings = z.infer<typeof workerSettingsSchema>;

export const toWorkerSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('start'), settings: workerSettingsSchema }),
  /** There may be a job to claim. */
  z.object({ type: z.literal('wake') }),
  z.object({ type: z.literal('cancel'), jobId: z.string() }),
  z.object({ type: z.literal('pause'), paused: z.boolean() }),
  /** Finish the running job, then end. */
  z.object({ type: z.literal('drain') }),
]);
export type ToWorker = z.infer<typeof toWorkerSchema>;

export const fromWorkerSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  /** The database has news. */
  z.object({ type: z.literal('changed') }),
  z.object({ type: z.literal('log'), jobId: z.string() }),
]);
export type FromWorker = z.infer<typeof fromWorkerSchema>;
