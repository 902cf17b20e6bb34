/** Owns the shape of one step of slipway.yml: its command, when it runs, and how often. */
import { z } from 'zod';
import { matrixSchema } from './matrix.ts';
import { artifactPathSchema, commandSchema, durationSchema, environmentSchema, textSchema } from './pipeline-values.ts';
import { phaseSchema } from './plan.ts';

const timesSchema = z
  .number('write how often it is run again, from 1 to 10')
  .int('write how often it is run again, from 1 to 10')
  .min(1, 'write how often it is run again, from 1 to 10')
  .max(10, 'write how often it is run again, from 1 to 10');

const retrySchema = z
  .union(
    [
      timesSchema,
      z.strictObject({
        times: timesSchema.optional().describe('Runs after the first. Default: 1.'),
        exit: z
          .array(z.number().int('write exit statuses from 1 to 255').min(1).max(255))
          .min(1, 'name at least one exit status')
          .max(255)
          .optional()
          .describe('The exit statuses after which it is run again. Default: every one but 0.'),
        delay: durationSchema.optional().describe('Time before each further run. Default: none.'),
      }),
    ],
    { error: 'write a number of times, or times, exit and delay' },
  )
  .describe('How often a step that failed is run again. A step that is out of time or cancelled is not.');

const whenSchema = z
  .strictObject({
    branches: z
      .array(textSchema.min(1).max(255))
      .min(1, 'name at least one branch')
      .max(100)
      .optional()
      .describe('Names or globs of branches.'),
    paths: z
      .array(artifactPathSchema)
      .min(1, 'name at least one path')
      .max(100)
      .optional()
      .describe(
        'Paths or globs; one changed since the last build that succeeded is enough. Runs where that is not known.',
      ),
  })
  .refine(when => when.branches !== undefined || when.paths !== undefined, {
    error: 'write branches, paths or both',
    // A typo in a key is told as such, and not as a missing key as well.
    when: payload => payload.issues.length === 0,
  })
  .describe('When the step runs at all. Every list that is given must match.');

export const stepSchema = z
  .strictObject({
    id: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'use lower-case letters, digits, _ and -, at most 63')
      .optional()
      .describe('A stable id, unique within the file.'),
    name: textSchema.min(1).max(200).optional().describe('What people see.'),
    run: commandSchema.describe(
      "A command line for the platform's shell, run at the root of the checkout, or in the folder that root names.",
    ),
    phase: phaseSchema
      .optional()
      .describe(
        'What the step is for. Phases run in this order: prepare, build, test, migrate, package. Default: build, and package after a step of test or migrate.',
      ),
    env: environmentSchema.optional(),
    timeout: durationSchema.optional().describe('When the step is ended. Default: 30m.'),
    retry: retrySchema.optional(),
    when: whenSchema.optional(),
    matrix: matrixSchema.optional(),
    idempotent: z
      .boolean()
      .optional()
      .describe('Whether a lost run may be repeated without asking. Default: true, and false for the phase migrate.'),
  })
  .describe('One command of the build.');

export type PipelineStep = z.infer<typeof stepSchema>;
