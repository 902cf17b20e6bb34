/** Owns the shape of what slipway.yml says of caches. */
import { z } from 'zod';
import { ownNameSchema } from './environment.ts';
import { artifactPathSchema } from './pipeline-values.ts';

/** Literal: what a glob matches differs from one build to the next, and a cache is put back before there is anything. */
const cachePathSchema = artifactPathSchema
  .regex(/^[^*?[\]{}]*$/, 'write the path itself; a cache takes no patterns')
  .refine(path => path.split('/').some(part => part !== '' && part !== '.'), 'name a folder below the repository')
  .describe('A file or folder inside the repository; no pattern.');

const cacheEntrySchema = z
  .union(
    [
      cachePathSchema,
      z
        .strictObject({
          name: z
            .string()
            .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'use lower-case letters, digits, ., _ and -, at most 63')
            .optional()
            .describe('What it is called in the log. Default: made of the path or the variable.'),
          paths: z.array(cachePathSchema).min(1, 'name at least one path').max(50).optional(),
          variable: ownNameSchema
            .optional()
            .describe('A variable that the steps get, with a folder outside of the checkout that is kept.'),
          key: z
            .array(cachePathSchema)
            .min(1, 'name at least one file')
            .max(50)
            .optional()
            .describe('Files whose content makes the key. Default: every lock file at the root.'),
        })
        .refine(entry => (entry.paths === undefined) !== (entry.variable === undefined), {
          error: 'a cache needs either paths or variable, and not both',
          when: payload => payload.issues.length === 0,
        }),
    ],
    { error: 'write a path, or paths or variable with a key' },
  )
  .describe('Kept from one build of the repository to the next.');

const cacheListSchema = z.array(cacheEntrySchema).max(20);

export const cacheSchema = z
  .union(
    [
      cacheListSchema,
      z.strictObject({
        entries: cacheListSchema.optional(),
        result: z
          .boolean()
          .optional()
          .describe('Whether an earlier artifact of the same inputs is used instead of a build. Default: true.'),
      }),
    ],
    { error: 'write a list of paths, or entries and result' },
  )
  .describe('What builds keep for later ones. What is kept is in the artifact only where "artifact" names it.');
