/** Owns the shape of slipway.yml as a person writes it. How it is read from a file, and what becomes of it, lie in toolchains/. */
import { z } from 'zod';
import { variableNameSchema } from './environment.ts';
import { isolationFileSchema, limitsFileSchema } from './isolation.ts';
import { type Contradiction, combinationCount, matrixContradictions, maxCombinations } from './matrix.ts';
import { activateSchema, healthSchema, sharedSchema } from './pipeline-activation.ts';
import { cacheSchema } from './pipeline-caches.ts';
import { type PipelineStep, stepSchema } from './pipeline-steps.ts';
import { artifactPathSchema, commandSchema, environmentSchema } from './pipeline-values.ts';

/** Names under which a pipeline file is found at the root of a checkout; only one of them may be there. */
export const pipelineFileNames = ['slipway.yml', 'slipway.yaml'] as const;

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
    shared: sharedSchema.optional(),
    activate: activateSchema.optional(),
  })
  .superRefine((pipeline, context) => {
    for (const { path, message } of contradictions(pipeline)) {
      context.addIssue({ code: 'custom', path: [...path], message });
    }
  })
  .describe('How Slipway builds and runs this repository.');

export type PipelineFile = z.infer<typeof pipelineSchema>;
