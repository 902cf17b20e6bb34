/** Owns the shapes by which caches are shown and cleared. */
import { z } from 'zod';
import { idSchema } from './documents.ts';

const count = z.number().int().nonnegative();

export const cachesViewSchema = z.object({
  /** The cap of all caches of the installation together. */
  limitBytes: count,
  /** What all of them take on the disk, whichever are shown. */
  usedBytes: count,
  /** Builds that can stand for a later one of the same inputs. */
  results: count,
  /** Most recently used first. */
  entries: z.array(
    z.object({
      id: idSchema,
      repositoryId: idSchema,
      name: z.string(),
      key: z.string(),
      status: z.enum(['writing', 'ready', 'removing']),
      sizeBytes: count,
      /** The job that wrote it. */
      jobNumber: count,
      createdAtMs: count,
      usedAtMs: count,
    }),
  ),
});
export type CachesView = z.infer<typeof cachesViewSchema>;

export const clearedCachesSchema = z.object({ caches: count, sizeBytes: count, results: count });

/** Bytes; 0 keeps nothing. Far below what a number can hold exactly. */
export const cacheLimitSchema = z
  .number()
  .int()
  .min(0)
  .max(2 ** 50);
