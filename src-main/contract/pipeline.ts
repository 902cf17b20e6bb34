/** Owns the shape of slipway.yml as a person writes it. How it is read from a file, and what becomes of it, lie in toolchains/. */
import { z } from 'zod';
import { ownNameSchema, variableNameSchema } from './environment.ts';
import { isolationFileSchema, limitsFileSchema } from './isolation.ts';
import { type Contradiction, combinationCount, matrixContradictions, matrixSchema, maxCombinations } from './matrix.ts';
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

const migrateSchema = z
  .union(
    [
      z.literal('none', { error: 'write none, or at, database, make and steps' }),
      z.strictObject({
        at: z
          .enum(['activation', 'build'])
          .optional()
          .describe('Default: activation, once for each release, on one machine.'),
        database: variableNameSchema
          .optional()
          .describe('For "at: build": the variable of env or secrets that names the database.'),
        make: z
          .boolean()
          .optional()
          .describe("Whether Django's makemigrations runs in the build, after the steps of phase build."),
        steps: z
          .array(stepSchema.omit({ phase: true, when: true, matrix: true, retry: true }))
          .min(1, 'name at least one step')
          .max(50)
          .optional()
          .describe('Default: the migrations that are detected.'),
      }),
    ],
    { error: 'write none, or at, database, make and steps' },
  )
  .describe('Changes of the database. Without it, those that are detected are listed for the activation.');

const rootSchema = artifactPathSchema
  .regex(/^[^*?{}[\]!]*$/, 'write a folder, without wildcards')
  .transform(
    path =>
      path
        .split('/')
        .filter(part => part !== '' && part !== '.')
        .join('/') || '.',
  )
  .describe('The folder of the project, where a repository has several: steps, artifact and start are below it.');

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

/** What a file may be besides, key by key; each is looked at by itself. */
interface PipelineKeys {
  readonly steps?: readonly PipelineStep[] | undefined;
  readonly migrate?: z.infer<typeof migrateSchema> | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly secrets?: readonly string[] | undefined;
  readonly cache?: z.infer<typeof cacheSchema> | undefined;
}

/** What is right by itself and wrong together. */
function contradictions(pipeline: PipelineKeys): Contradiction[] {
  const { steps = [], migrate = 'none', env = {}, secrets = [], cache = [] } = pipeline;
  const isList = Array.isArray(cache);
  const listed = isList ? cache : (cache.entries ?? []);
  const found: Contradiction[] = [];
  const ids = new Set<string>();
  const checkIds = (list: readonly { readonly id?: string | undefined }[], above: readonly PropertyKey[]) => {
    for (const [index, { id }] of list.entries()) {
      if (id === undefined) continue;
      if (ids.has(id)) found.push({ path: [...above, index, 'id'], message: `another step has the id "${id}"` });
      ids.add(id);
    }
  };
  checkIds(steps, ['steps']);
  let combinations = 0;
  for (const [index, step] of steps.entries()) {
    if (step.matrix === undefined) continue;
    const path = ['steps', index, 'matrix'];
    found.push(
      ...matrixContradictions(step.matrix, { ...step.env }, secrets).map(more => ({
        ...more,
        path: [...path, ...more.path],
      })),
    );
    combinations += combinationCount(step.matrix);
    if (combinations > maxCombinations) {
      found.push({ path, message: `there are more than ${maxCombinations} combinations in the file` });
      break;
    }
  }
  const cacheNames = new Set<string>();
  for (const [index, entry] of listed.entries()) {
    if (typeof entry === 'string' || entry.name === undefined) continue;
    const path = isList ? ['cache', index, 'name'] : ['cache', 'entries', index, 'name'];
    if (cacheNames.has(entry.name)) found.push({ path, message: `another cache has the name "${entry.name}"` });
    cacheNames.add(entry.name);
  }
  for (const [index, name] of secrets.entries()) {
    if (env[name] !== undefined) found.push({ path: ['secrets', index], message: `"${name}" is also set in env` });
  }
  if (migrate === 'none') return found;
  checkIds(migrate.steps ?? [], ['migrate', 'steps']);
  const { at, database } = migrate;
  if (at === 'build' && database === undefined) {
    found.push({
      path: ['migrate'],
      message: 'at: build needs "database", the variable of env or secrets that names it',
    });
  }
  if (at !== 'build' && database !== undefined) {
    found.push({
      path: ['migrate', 'database'],
      message: "this is for at: build alone; at activation the channel's own environment names the database",
    });
  }
  if (at === 'build' && database !== undefined && env[database] === undefined && !secrets.includes(database)) {
    found.push({ path: ['migrate', 'database'], message: `"${database}" is neither in env nor in secrets` });
  }
  return found;
}

/** A slipway.yml. Unknown keys are errors, so that a typo is never a setting silently ignored. */
export const pipelineSchema = z
  .strictObject({
    root: rootSchema.optional(),
    steps: z
      .array(stepSchema)
      .max(200)
      .optional()
      .describe('Commands, run phase by phase and in this order within a phase; the first that fails ends it.'),
    migrate: migrateSchema.optional(),
    env: environmentSchema.optional(),
    secrets: z
      .array(variableNameSchema)
      .max(200)
      .optional()
      .describe('Names of secrets that the steps get as variables.'),
    isolation: isolationFileSchema.optional(),
    limits: limitsFileSchema.optional(),
    cache: cacheSchema.optional(),
    artifact: artifactSchema.optional(),
    start: commandSchema.optional().describe('The command that runs the release on a machine.'),
    health: healthSchema.optional(),
  })
  .superRefine((pipeline, context) => {
    for (const { path, message } of contradictions(pipeline)) {
      context.addIssue({ code: 'custom', path: [...path], message });
    }
  })
  .describe('How Slipway builds and runs this repository.');

export type PipelineFile = z.infer<typeof pipelineSchema>;
export type PipelineStep = z.infer<typeof stepSchema>;
