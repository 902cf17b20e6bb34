/** Owns the shape of slipway.yml as a person writes it. How it is read from a file, and what becomes of it, lie in toolchains/. */
import { z } from 'zod';
import { ownNameSchema, variableNameSchema } from './environment.ts';
import { phaseSchema } from './plan.ts';

/** Names under which a pipeline file is found at the root of a checkout; only one of them may be there. */
export const pipelineFileNames = ['slipway.yml', 'slipway.yaml'] as const;

const dayMs = 24 * 60 * 60 * 1000;
const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const durationPattern = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/;

/** Milliseconds of `1500ms`, `30s`, `5m`, `1.5h`, or of a bare number of seconds; null where it is none of these. */
export function durationMs(value: string | number): number | null {
  if (typeof value === 'number') return Math.round(value * 1000);
  const [, amount, unit] = durationPattern.exec(value) ?? [];
  const scale = unitMs[unit ?? ''];
  return amount === undefined || scale === undefined ? null : Math.round(Number(amount) * scale);
}

const durationHint = 'write a time such as 30s, 5m or 1h, or a number of seconds';
const durationSchema = z
  .union([z.string().regex(durationPattern, durationHint), z.number().positive(durationHint)], { error: durationHint })
  .transform((value, context) => {
    const ms = durationMs(value);
    if (ms !== null && ms >= 1 && ms <= dayMs) return ms;
    context.addIssue({ code: 'custom', message: 'write a time between 1ms and 24h' });
    return z.NEVER;
  })
  .describe('A time such as 30s, 5m or 1h; a bare number is seconds.');

// biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is the one character that no command or variable can hold
const withoutNul = /^[^\u0000]*$/;
const textSchema = z.string().max(65_536).regex(withoutNul, 'a NUL character cannot be used here');
const commandSchema = textSchema.regex(/\S/, 'write a command');

const environmentSchema = z
  .record(
    variableNameSchema,
    z.union([textSchema, z.number(), z.boolean()], { error: 'write a text, a number, true or false' }),
  )
  .transform(record => Object.fromEntries(Object.entries(record).map(([name, value]) => [name, String(value)])))
  .describe('Environment variables. Numbers are taken as they are written.');

/** Relative, with `/`, inside the checkout: the same on every platform, and nothing of the host. */
const artifactPathSchema = textSchema
  .min(1, 'write a path')
  .regex(/^(?![/~]|[A-Za-z]:)[^\\]*$/, 'write a path inside the repository, with / between folders')
  .regex(/^(?!(?:.*\/)?\.\.(?:\/|$))/, 'a path may not lead out of the repository')
  .describe('A path or glob inside the repository.');

const artifactSchema = z
  .union(
    [
      z.array(artifactPathSchema).min(1, 'name at least one path'),
      z.strictObject({
        include: z.array(artifactPathSchema).min(1, 'name at least one path').optional(),
        exclude: z.array(artifactPathSchema).optional(),
      }),
    ],
    { error: 'write a list of paths, or include and exclude' },
  )
  .describe('The files that a release is made of. Without it, the whole tree.');

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

const cacheSchema = z
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

const stepSchema = z
  .strictObject({
    id: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'use lower-case letters, digits, _ and -, at most 63')
      .optional()
      .describe('A stable id, unique within the file.'),
    name: textSchema.min(1).max(200).optional().describe('What people see.'),
    run: commandSchema.describe("A command line for the platform's shell, run at the root of the checkout."),
    phase: phaseSchema.optional().describe('What the step is for. Default: build.'),
    env: environmentSchema.optional(),
    timeout: durationSchema.optional().describe('When the step is ended. Default: 30m.'),
    retry: retrySchema.optional(),
    when: whenSchema.optional(),
    idempotent: z
      .boolean()
      .optional()
      .describe('Whether a lost run may be repeated without asking. Default: true, and false for the phase migrate.'),
  })
  .describe('One command of the build.');

const healthSchema = z
  .strictObject({
    http: z.url({ protocol: /^https?$/, error: 'write a URL that starts with http:// or https://' }).optional(),
    command: commandSchema.optional(),
    attempts: z.number().int().positive().max(100).optional().describe('Default: 5.'),
    interval: durationSchema.optional().describe('Time between attempts. Default: 1s.'),
    timeout: durationSchema.optional().describe('Time for one attempt. Default: 10s.'),
  })
  .refine(health => (health.http === undefined) !== (health.command === undefined), {
    error: 'a health check needs either http or command, and not both',
  })
  .describe('How a machine knows that the release works; otherwise it goes back to the one before.');

/** A slipway.yml. Unknown keys are errors, so that a typo is never a setting silently ignored. */
export const pipelineSchema = z
  .strictObject({
    steps: z
      .array(stepSchema)
      .max(200)
      .optional()
      .describe('Commands, run in this order; the first that fails ends it.'),
    env: environmentSchema.optional(),
    secrets: z
      .array(variableNameSchema)
      .max(200)
      .optional()
      .describe('Names of secrets that the steps get as variables.'),
    cache: cacheSchema.optional(),
    artifact: artifactSchema.optional(),
    start: commandSchema.optional().describe('The command that runs the release on a machine.'),
    health: healthSchema.optional(),
  })
  .superRefine((pipeline, context) => {
    const ids = new Set<string>();
    for (const [index, { id }] of (pipeline.steps ?? []).entries()) {
      if (id === undefined) continue;
      if (ids.has(id)) {
        context.addIssue({ code: 'custom', path: ['steps', index, 'id'], message: `another step has the id "${id}"` });
      }
      ids.add(id);
    }
    const caches = new Set<string>();
    const listed = Array.isArray(pipeline.cache) ? pipeline.cache : (pipeline.cache?.entries ?? []);
    for (const [index, entry] of listed.entries()) {
      if (typeof entry === 'string' || entry.name === undefined) continue;
      if (caches.has(entry.name)) {
        const path = Array.isArray(pipeline.cache) ? ['cache', index, 'name'] : ['cache', 'entries', index, 'name'];
        context.addIssue({ code: 'custom', path, message: `another cache has the name "${entry.name}"` });
      }
      caches.add(entry.name);
    }
    for (const [index, name] of (pipeline.secrets ?? []).entries()) {
      if (pipeline.env?.[name] === undefined) continue;
      context.addIssue({ code: 'custom', path: ['secrets', index], message: `"${name}" is also set in env` });
    }
  })
  .describe('How Slipway builds and runs this repository.');

export type PipelineFile = z.infer<typeof pipelineSchema>;
export type PipelineStep = z.infer<typeof stepSchema>;
