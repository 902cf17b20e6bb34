/** Owns the calls on machines and on the swarm. */
import { z } from 'zod';
import { byId, displayNameSchema, done, route } from './api-values.ts';
import { channelNameSchema, idSchema } from './documents.ts';
import { evidenceBundleSchema } from './evidence.ts';
import { machineViewSchema, pairingSchema } from './views/machine.ts';
import { swarmViewSchema } from './views/swarm.ts';

export const machinesApi = {
  list: route('GET', '/machines', 'Machines by channel')
    .input(z.object({ repositoryId: idSchema.optional() }))
    .output(z.array(machineViewSchema)),
  pair: route('POST', '/machines/pair', 'The command that pairs a new machine')
    .input(
      z.object({
        repositoryId: idSchema,
        channel: channelNameSchema,
        name: displayNameSchema,
        regionId: idSchema.optional(),
      }),
    )
    .output(pairingSchema),
  evidence: route(
    'GET',
    '/machines/{id}/evidence',
    'What a machine kept of the newest release that did not come up, or of one',
  )
    .input(z.object({ id: idSchema, serial: z.coerce.number().int().positive().optional() }))
    .output(evidenceBundleSchema.nullable()),
  repair: route('POST', '/machines/{id}/repair', 'Let a machine put right what it runs, and start it anew')
    .input(byId)
    .output(done),
  remove: route('DELETE', '/machines/{id}', 'Revoke a machine').input(byId).output(done),
};

export const swarmApi = {
  get: route('GET', '/swarm', 'What is seeded, to whom').output(swarmViewSchema),
  setPaused: route('POST', '/swarm/pause', 'Pause or resume seeding; a pause may end by itself after some minutes')
    .input(z.object({ paused: z.boolean(), minutes: z.number().int().min(1).max(10_080).optional() }))
    .output(swarmViewSchema),
};
