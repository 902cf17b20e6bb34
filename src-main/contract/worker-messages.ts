/** Owns what the engine and its worker processes say to each other. State goes through the database; these are hints and settings. */
import { z } from 'zod';
import { buildFactsSchema } from './documents.ts';
import { errorViewSchema } from './error-schemas.ts';
import { storeAccessSchema } from './store-access.ts';

/**
 * Of a worker whose work could not be recorded, since the database was locked or could not be written: neither its job nor its own
 * start is to blame. Source: EX_TEMPFAIL of sysexits.h
 */
export const unrecordedExitCode = 75;

export const workerSettingsSchema = z.object({
  workerId: z.uuid(),
  workerName: z.string(),
  databaseFile: z.string(),
  dataFolder: z.string(),
  mainStoreUrl: z.string(),
  /** Goes over the parent's channel alone, as the master key does. */
  mainStoreAccess: storeAccessSchema.optional(),
  /** The opened master key, Base64. Goes over the parent's channel alone: an environment or a command line is read by others. */
  masterKey: z.base64(),
  checkupMs: z.number(),
  recycleAfterJobs: z.number(),
  recycleAboveBytes: z.number(),
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
  /** From now on a checkup this often. */
  z.object({ type: z.literal('checkup'), intervalMs: z.number() }),
  /** The build record is signed and lies in the main store, or this is why not. */
  z.object({ type: z.literal('recorded'), buildId: z.string(), error: errorViewSchema.nullable() }),
]);
export type ToWorker = z.infer<typeof toWorkerSchema>;

export const fromWorkerSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  /** The database has news. */
  z.object({ type: z.literal('changed') }),
  z.object({ type: z.literal('log'), jobId: z.string() }),
  /** What it is at from now on. */
  z.object({
    type: z.literal('work'),
    kind: z.enum(['idle', 'own', 'step']),
    name: z.string().nullable(),
    limitMs: z.number().nullable(),
    jobsDone: z.number(),
  }),
  /** Its work goes on: sent once a second at most, when a counter has moved. */
  z.object({ type: z.literal('progress') }),
  /** What its attempt has made, to be signed and stored: a worker has no key that counts. */
  z.object({ type: z.literal('built'), facts: buildFactsSchema }),
  /** It ends between two jobs, for this reason. */
  z.object({ type: z.literal('leaving'), reason: z.string() }),
]);
export type FromWorker = z.infer<typeof fromWorkerSchema>;
