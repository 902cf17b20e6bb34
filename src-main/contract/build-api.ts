/** Owns the calls on what builds get: values, caches and isolation. */
import { z } from 'zod';
import { done, route } from './api-values.ts';
import { cacheLimitSchema, cachesViewSchema, clearedCachesSchema } from './caches.ts';
import { idSchema } from './documents.ts';
import {
  environmentViewSchema,
  ownNameSchema,
  secretValueSchema,
  variableNameSchema,
  variableValueSchema,
} from './environment.ts';
import { buildDefaultsChangeSchema } from './isolation.ts';
import { isolationViewSchema } from './views/engine.ts';

/** What builds of a repository get. The values of secrets go in and never come out. */
export const environmentApi = {
  get: route('GET', '/repositories/{repositoryId}/environment', 'Variables with their origin, and names of secrets')
    .input(z.object({ repositoryId: idSchema }))
    .output(environmentViewSchema),
  setVariable: route('POST', '/repositories/{repositoryId}/variables', 'Set or replace a variable of its builds')
    .input(z.object({ repositoryId: idSchema, name: ownNameSchema, value: variableValueSchema }))
    .output(done),
  removeVariable: route('DELETE', '/repositories/{repositoryId}/variables/{name}', 'Remove a variable of its builds')
    .input(z.object({ repositoryId: idSchema, name: variableNameSchema }))
    .output(done),
  setSecret: route('POST', '/repositories/{repositoryId}/secrets', 'Set or replace a secret of its builds')
    .input(z.object({ repositoryId: idSchema, name: ownNameSchema, value: secretValueSchema }))
    .output(done),
  removeSecret: route('DELETE', '/repositories/{repositoryId}/secrets/{name}', 'Remove a secret of its builds')
    .input(z.object({ repositoryId: idSchema, name: variableNameSchema }))
    .output(done),
};

/** What builds keep for later ones: files by lock file, and results by everything that they are made of. */
export const cachesApi = {
  list: route('GET', '/caches', 'Caches and the disk that they take')
    .input(z.object({ repositoryId: idSchema.optional() }))
    .output(cachesViewSchema),
  clear: route('POST', '/caches/clear', 'Remove the caches and forget the results of one repository, or of all')
    .input(z.object({ repositoryId: idSchema.optional() }))
    .output(clearedCachesSchema),
  setLimit: route('POST', '/caches/limit', 'Set the cap of all caches together; what no longer fits is removed')
    .input(z.object({ limitBytes: cacheLimitSchema }))
    .output(cachesViewSchema),
};

export const isolationApi = {
  get: route('GET', '/isolation', 'Levels that work here, and what builds get that ask for nothing').output(
    isolationViewSchema,
  ),
  set: route('PATCH', '/isolation', 'Change what builds get that ask for nothing')
    .input(buildDefaultsChangeSchema)
    .output(done),
  setOfRepository: route(
    'POST',
    '/repositories/{repositoryId}/isolation',
    'Choose for one repository; null is the default',
  )
    .input(z.object({ repositoryId: idSchema, level: buildDefaultsChangeSchema.shape.isolation.unwrap().nullable() }))
    .output(done),
};
