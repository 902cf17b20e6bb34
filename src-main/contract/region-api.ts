/** Owns the calls on regions and on the credentials of stores. */
import { z } from 'zod';
import { byId, displayNameSchema, done, route } from './api-values.ts';
import { idSchema } from './documents.ts';
import { auditResultSchema, regionLimitsSchema } from './replication-api.ts';
import { storeAccessSchema, storeAccessViewSchema, storeUrlSchema } from './store-access.ts';
import { regionViewSchema, replicationViewSchema } from './views/region.ts';

export const addRegionSchema = z.object({
  name: displayNameSchema,
  location: z.string().trim().max(100).default(''),
  // Not coerced: null would become 0, a place in the Gulf of Guinea.
  latitude: z.number().min(-90).max(90),
  longitude: z.number().min(-180).max(180),
  storeUrl: storeUrlSchema,
  /** Kept sealed with the region; left out: what is set for the store already, else the provider's own chain. */
  access: storeAccessSchema.optional(),
});

export const regionsApi = {
  list: route('GET', '/regions', 'The main store and every region').output(z.array(regionViewSchema)),
  add: route('POST', '/regions', 'Add a region').input(addRegionSchema).output(regionViewSchema),
  remove: route('DELETE', '/regions/{id}', 'Stop replicating to a region; its blobs stay').input(byId).output(done),
  setPaused: route('PATCH', '/regions/{id}', 'Pause or resume a region')
    .input(z.object({ id: idSchema, paused: z.boolean() }))
    .output(regionViewSchema),
  replication: route('GET', '/replication', 'Replication status of the newest artifacts')
    .input(
      z.object({
        repositoryId: idSchema.optional(),
        limit: z.coerce.number().int().min(1).max(100).default(20),
      }),
    )
    .output(replicationViewSchema),
  retry: route('POST', '/regions/{id}/retry', 'Retry failed copies now').input(byId).output(done),
  setLimits: route('PATCH', '/regions/{id}/limits', 'Copies at once, bandwidth, and how often copies are read back')
    .input(regionLimitsSchema.partial().extend({ id: idSchema }))
    .output(regionViewSchema),
  verify: route('POST', '/regions/{id}/verify', 'Look at all that a store holds, and repair what is wrong')
    .input(
      z.object({
        id: idSchema,
        /** Read everything back that the provider's checksums cannot prove. False: what was written since it was proven. */
        deep: z.boolean().default(false),
      }),
    )
    .output(auditResultSchema),
};

export const storeAccessApi = {
  list: route('GET', '/store-access', 'Whose credentials open which store; never what is secret').output(
    z.array(storeAccessViewSchema),
  ),
  set: route('POST', '/store-access', 'Set or replace the credentials of a store')
    .input(z.object({ storeUrl: storeUrlSchema, access: storeAccessSchema }))
    .output(storeAccessViewSchema),
  remove: route('POST', '/store-access/remove', "Remove the credentials of a store; its provider's own chain is asked")
    .input(z.object({ storeUrl: storeUrlSchema }))
    .output(done),
};
