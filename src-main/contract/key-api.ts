/** Owns the calls on how the master key lies on the disk. The key itself never crosses. */
import { oc } from '@orpc/contract';
import { z } from 'zod';

const stateSchema = z.object({
  /** Which key store of the system holds the key; null where it lies bare in its 0600 file. */
  wrappedBy: z.string().nullable(),
  /** Which key store this engine can reach; null for none. */
  available: z.string().nullable(),
});

export const keyApi = {
  get: oc.route({ method: 'GET', path: '/key', summary: 'How the master key lies on the disk' }).output(stateSchema),
  set: oc
    .route({ method: 'POST', path: '/key', summary: "Give the master key to the system's key store, or take it back" })
    .input(z.object({ wrapped: z.boolean() }))
    .output(stateSchema),
};
