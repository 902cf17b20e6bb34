/** Owns what a pipeline file means: its steps in the order of their phases, each combination of a matrix, migrations, and the rest by default. */
import { combinationsOf } from '../contract/matrix.ts';
import type { PipelineFile } from '../contract/pipeline.ts';
import type { PipelineStep } from '../contract/pipeline-steps.ts';
import {
  type HealthCheck,
  type Phase,
  type Plan,
  type PlanStep,
  phaseSchema,
  type StepRetry,
} from '../contract/plan.ts';
import { cachePathsOutside, pipelineCaches } from './caches.ts';
import { commandPrograms } from './command-programs.ts';
import type { YamlPath } from './parse-pipeline.ts';
import { activationOf } from './pipeline-activation.ts';
import { defaultStepTimeoutMs, wholeTree } from './project-tree.ts';
import { invalid, type ReadPipeline, readPipelineText } from './read-pipeline.ts';
import { type StatedVersion, withStatedVersions } from './stated-versions.ts';

/** What detection found in the project's folder. */
export type Found = Pick<Plan, 'migrations' | 'roots'> & {
  /** By tool, what version files say; manifests say less, and steps of one's own may say otherwise, as `cargo +nightly` does. */
  readonly stated: ReadonlyMap<string, StatedVersion>;
  /** Null where nothing says how the folder is built. */
  readonly plan: Plan | null;
};

const nothingFound: Found = { plan: null, migrations: [], roots: [], stated: new Map() };

/**
 * The plan of a pipeline file. Of a file with a `root` and no steps, what detection found there is the plan, with what the file says
 * over it. Throws `pipeline.invalid` where the file leaves to detection what it did not find.
 */
export function planOfPipeline(read: ReadPipeline, found: Found = nothingFound): Plan {
  const { file, pipeline, parsed } = read;
  const root = pipeline.root ?? '.';
  const base = root !== '.' && pipeline.steps === undefined ? detectedBase(read, found) : null;
  const written = pipeline.steps === undefined ? (base?.steps ?? []) : writtenSteps(read, pipeline.steps);
  const { steps, migrations } = withMigrations(read, written, found);
  const { include, exclude } = artifactOf(pipeline.artifact ?? base?.artifact);
  const included = include ?? [...wholeTree.include];
  const caches = pipeline.cache === undefined ? (base?.caches ?? []) : pipelineCaches(pipeline);
  return {
    origin: 'pipeline',
    tool: base?.tool ?? 'custom',
    root,
    requirements: base?.requirements ?? withStatedVersions(commandPrograms(steps), found.stated),
    steps,
    migrations,
    roots: found.roots,
    env: { ...base?.env, ...pipeline.env },
    secrets: [...new Set(pipeline.secrets ?? [])],
    ...isolationOf(pipeline),
    caches,
    reusesResults: Array.isArray(pipeline.cache) || pipeline.cache?.result !== false,
    artifact: {
      include: included,
      exclude: [...new Set([...wholeTree.exclude, ...(exclude ?? []), ...cachePathsOutside(caches, included)])],
    },
    start: pipeline.start ?? base?.start ?? null,
    health: healthOf(read.pipeline),
    ...activationOf(read.pipeline),
    evidence: [
      { file, line: 1, reason: 'the repository says itself how it is built' },
      ...(base === null
        ? []
        : [{ file, line: parsed.positionOf(['root']).line, reason: `the project in ${root} is the one to build` }]),
      ...(base?.evidence ?? []),
    ],
  };
}

/** The plan of a file's text alone. Throws `pipeline.invalid`. */
export function pipelineFromText(file: string, text: string): Plan {
  return planOfPipeline(readPipelineText(file, text));
}

/** What the file says of isolation and limits; nothing where it says nothing. */
function isolationOf({ isolation, limits }: PipelineFile): Pick<Plan, 'isolation' | 'limits'> {
  const {
    level = 'auto',
    image = null,
    network = true,
  } = typeof isolation === 'string' ? { level: isolation } : (isolation ?? {});
  return {
    ...(isolation === undefined ? {} : { isolation: { level, image, network } }),
    ...(limits === undefined
      ? {}
      : {
          limits: {
            ...(limits.memory === undefined ? {} : { memoryBytes: limits.memory }),
            ...(limits.cpu === undefined ? {} : { cpus: limits.cpu }),
            ...(limits.disk === undefined ? {} : { diskBytes: limits.disk }),
            ...(limits.processes === undefined ? {} : { processes: limits.processes }),
          },
        }),
  };
}

function detectedBase(read: ReadPipeline, found: Found): Plan {
  if (found.plan !== null) return found.plan;
  const message = `nothing in ${read.pipeline.root} says how it is built; write its steps here`;
  throw invalid(read.file, [{ ...read.parsed.positionOf(['root']), message }]);
}

function artifactOf(artifact: ReadPipeline['pipeline']['artifact']) {
  return Array.isArray(artifact) ? { include: artifact, exclude: undefined } : (artifact ?? {});
}

/** In the order of phases, and within a phase as they are written. */
function writtenSteps({ file, parsed }: ReadPipeline, written: readonly PipelineStep[]): PlanStep[] {
  const taken = new Set(written.flatMap(step => step.id ?? []));
  let isAfterTest = false;
  const steps = written.flatMap((step, index) => {
    // What follows the tests belongs after them, unless the file says that it is another part's build.
    const phase = step.phase ?? (isAfterTest ? 'package' : 'build');
    isAfterTest ||= phase === 'test' || phase === 'migrate';
    const line = parsed.positionOf(['steps', index]).line;
    const bare = stepOf({ ...step, phase }, index, taken, { file, line, reason: `step ${index + 1} of ${file}` });
    const all = step.matrix === undefined ? [{}] : combinationsOf(step.matrix);
    return all.map(values => forCombination(bare, values, taken));
  });
  return inPhases(steps);
}

function inPhases(steps: readonly PlanStep[]): PlanStep[] {
  return phaseSchema.options.flatMap(phase => steps.filter(step => step.phase === phase));
}

function stepOf(
  step: Omit<PipelineStep, 'phase' | 'matrix'> & { readonly phase: Phase },
  index: number,
  taken: Set<string>,
  evidence: PlanStep['evidence'][number],
): PlanStep {
  const { phase } = step;
  return {
    id: step.id ?? freeId(step.name ?? '', `step-${index + 1}`, taken),
    name: step.name ?? step.id ?? (step.run.trim().split('\n')[0] ?? step.run).slice(0, 80),
    phase,
    run: step.run,
    env: step.env ?? {},
    timeoutMs: step.timeout ?? defaultStepTimeoutMs,
    idempotent: step.idempotent ?? phase !== 'migrate',
    ...(step.retry === undefined ? {} : { retry: retryOf(step.retry) }),
    ...(step.when === undefined ? {} : { when: step.when }),
    evidence: [evidence],
  };
}

function forCombination(step: PlanStep, values: Readonly<Record<string, string>>, taken: Set<string>): PlanStep {
  const list = Object.values(values);
  if (list.length === 0) return step;
  return {
    ...step,
    id: freeId(`${step.id}-${list.join('-')}`, step.id, taken),
    name: `${step.name} (${list.join(', ')})`,
    env: { ...step.env, ...values },
  };
}

/**
 * Which migrations run in the build, and which are left to an activation. Steps of phase `migrate` run in the build, and without a
 * `migrate` key they are all there is; else what was detected is listed for the activation.
 */
function withMigrations(
  read: ReadPipeline,
  steps: readonly PlanStep[],
  found: Found,
): { readonly steps: PlanStep[]; readonly migrations: PlanStep[] } {
  const { file, pipeline, parsed } = read;
  const { migrate } = pipeline;
  if (migrate === 'none') return { steps: [...steps], migrations: [] };
  if (migrate === undefined) {
    const isOwn = steps.some(({ phase }) => phase === 'migrate');
    return { steps: [...steps], migrations: isOwn ? [] : found.migrations };
  }
  const taken = new Set(steps.map(({ id }) => id));
  const lineOf = (path: YamlPath) => parsed.positionOf(path).line;
  const migrations = (migrate.steps ?? []).map((step, index) => {
    const line = lineOf(['migrate', 'steps', index]);
    return stepOf({ ...step, phase: 'migrate' }, index, taken, {
      file,
      line,
      reason: `migration ${index + 1} of ${file}`,
    });
  });
  const chosen = migrate.steps === undefined ? found.migrations : migrations;
  const made = migrate.make === true ? [makingStep(read, found, taken)] : [];
  if (migrate.at === 'build') return { steps: inPhases([...steps, ...made, ...chosen]), migrations: [] };
  return { steps: inPhases([...steps, ...made]), migrations: chosen };
}

/** `makemigrations` itself, which writes files and changes no database. Source: https://docs.djangoproject.com/en/5.2/ref/django-admin/#makemigrations */
function makingStep({ file, parsed }: ReadPipeline, found: Found, taken: Set<string>): PlanStep {
  const position = parsed.positionOfKey(['migrate', 'make']);
  const check = found.migrations.find(({ id }) => id === 'django-check');
  if (check === undefined) {
    const message = 'migrate.make: migrations are made for Django alone, and no manage.py of it was found';
    throw invalid(file, [{ ...position, message }]);
  }
  return {
    ...check,
    id: freeId('django-make', 'django-make', taken),
    name: 'Make migrations (django)',
    phase: 'build',
    run: check.run.replace('makemigrations --check --dry-run', 'makemigrations --noinput'),
    evidence: [{ file, line: position.line, reason: 'the file asks for it' }, ...check.evidence],
  };
}

function retryOf(retry: NonNullable<PipelineStep['retry']>): StepRetry {
  if (typeof retry === 'number') return { times: retry, exitStatuses: null, delayMs: 0 };
  return { times: retry.times ?? 1, exitStatuses: retry.exit ?? null, delayMs: retry.delay ?? 0 };
}

/** An id made of the name, or `fallback` where nothing of it is left; never one that another step has. */
function freeId(name: string, fallback: string, taken: Set<string>): string {
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 40);
  const base = slug === '' ? fallback : slug;
  let id = base;
  for (let count = 2; taken.has(id); count += 1) id = `${base}-${count}`;
  taken.add(id);
  return id;
}

function healthOf({ health }: PipelineFile): HealthCheck | null {
  if (health === undefined) return null;
  const { http, tcp, command, passes, start } = health;
  return {
    ...(http === undefined ? {} : { http }),
    ...(tcp === undefined ? {} : { tcp }),
    ...(command === undefined ? {} : { command }),
    ...(passes === undefined ? {} : { passes }),
    ...(start === undefined ? {} : { startPeriodMs: start }),
    timeoutMs: health.timeout ?? 10_000,
    attempts: health.attempts ?? 5,
    intervalMs: health.interval ?? 1_000,
  };
}
