/** Owns the calls on the values of a channel. The values of secrets go in and never come out. */
import { oc } from '@orpc/contract';
import { z } from 'zod';
import { channelNameSchema, idSchema } from './documents.ts';
import {
  channelEnvironmentViewSchema,
  ownNameSchema,
  secretValueSchema,
  variableNameSchema,
  variableValueSchema,
} from './environment.ts';

const done = z.object({ done: z.literal(true) });
const place = z.object({ repositoryId: idSchema, channel: channelNameSchema });
const named = place.extend({ name: variableNameSchema });
const valued = place.extend({ name: ownNameSchema });

const route = (method: 'GET' | 'POST' | 'DELETE', path: `/${string}`, summary: string) =>
  oc.route({ method, path: `/repositories/{repositoryId}/channels/{channel}${path}`, summary });

export const channelEnvironmentApi = {
  get: route('GET', '/environment', 'What releases on a channel run with: names, and values of variables')
    .input(place)
    .output(channelEnvironmentViewSchema),
  setVariable: route('POST', '/variables', 'Set or replace a variable of a channel')
    .input(valued.extend({ value: variableValueSchema }))
    .output(done),
  removeVariable: route('DELETE', '/variables/{name}', 'Remove a variable of a channel').input(named).output(done),
  setSecret: route('POST', '/secrets', 'Set or replace a secret of a channel')
    .input(valued.extend({ value: secretValueSchema }))
    .output(done),
  removeSecret: route('DELETE', '/secrets/{name}', 'Remove a secret of a channel').input(named).output(done),
};
