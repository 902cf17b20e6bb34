/** Owns writing a slipway.yml: from a plan, or from what was taken over from elsewhere, to text that reads back the same. */
import { Document, isMap, isSeq } from 'yaml';
import { DomainError } from '../contract/errors.ts';
import type { Phase, Plan, PlanCache, PlanStep, StepCondition, StepRetry } from '../contract/plan.ts';
import { activationKeys } from './pipeline-activation.ts';
import { pipelineFromText } from './pipeline-plan.ts';
import { defaultStepTimeoutMs, wholeTree } from './project-tree.ts';

/** Where the file's first line points an editor to; never part of an artifact. */
export const schemaPath = '.slipway/slipway.schema.json';

type Variables = Readonly<Record<string, string>>;

export interface DraftStep {
  readonly id?: string;
  readonly name: string;
  readonly phase?: Phase;
  readonly run: string;
  readonly env?: Variables;
  readonly timeoutMs?: number;
  readonly idempotent?: boolean;
  readonly retry?: StepRetry;
  readonly when?: StepCondition;
  /** Why the step is there. */
  readonly comments: readonly string[];
}

export interface PipelineDraft {
  readonly comments: readonly string[];
  readonly root?: string;
  /** For the activation. */
  readonly migrations?: readonly DraftStep[];
  readonly steps: readonly DraftStep[];
  readonly env: Variables;
  readonly secrets: readonly string[];
  readonly caches?: readonly PlanCache[];
  readonly artifact?: Plan['artifact'];
  readonly start?: string;
  readonly health?: NonNullable<Plan['health']>;
  readonly activation?: NonNullable<Plan['activation']>;
}

/**
 * The text of a slipway.yml that makes the same plan: its steps, environment, artifact, start command and health check.
 * What only detection knows (the tool's name, the evidence) stays as comments.
 *
 * Throws `pipeline.invalid` for a plan that no file can hold.
 */
export function pipelineOfPlan(plan: Plan): string {
  const text = pipelineText({
    comments: plan.evidence.map(({ file, line, reason }) => `${file}${line ? `:${line}` : ''}: ${reason}`),
    root: plan.root,
    steps: plan.steps.map(draftStep),
    migrations: plan.migrations.map(draftStep),
    env: plan.env,
    secrets: plan.secrets,
    caches: plan.caches,
    artifact: plan.artifact,
    ...(plan.start === null ? {} : { start: plan.start }),
    ...(plan.health === null ? {} : { health: plan.health }),
    ...(plan.activation === undefined ? {} : { activation: plan.activation }),
  });
  const back = pipelineFromText('slipway.yml', text);
  if (essence(back) === essence(plan)) return text;
  throw new DomainError(
    'pipeline.invalid',
    'What was detected cannot be written as a slipway.yml that means the same; write the file by hand from "slipway plan".',
  );
}

/** What of a plan decides what is run and made. History is in no artifact, whether a plan says so or not. */
function essence({ root, steps, migrations, env, secrets, caches, artifact, start, health, activation }: Plan): string {
  const exclude = [...new Set([...wholeTree.exclude, ...artifact.exclude])].sort();
  const bare = (list: readonly PlanStep[]) => list.map(({ evidence: _evidence, ...step }) => sorted(step));
  return JSON.stringify([
    root,
    bare(steps),
    bare(migrations),
    sorted(env),
    secrets,
    caches.map(sorted),
    artifact.include,
    exclude,
    start,
    health && sorted(health),
    activation && sorted(activation),
  ]);
}

function sorted(value: object): [string, unknown][] {
  return Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function draftStep(step: PlanStep): DraftStep {
  const { evidence, timeoutMs, ...rest } = step;
  return {
    ...rest,
    ...(timeoutMs === defaultStepTimeoutMs ? {} : { timeoutMs }),
    comments: evidence.map(({ file, line, reason }) => `${file}${line ? `:${line}` : ''}: ${reason}`),
  };
}

/** The file's text, with the line that brings the schema to an editor. */
export function pipelineText(draft: PipelineDraft): string {
  const { root = '.', migrations = [], env, secrets, caches = [], artifact, start, health, activation } = draft;
  const document = new Document({
    ...(root === '.' ? {} : { root }),
    steps: draft.steps.map(stepKeys),
    ...(migrations.length === 0 ? {} : { migrate: { steps: migrations.map(migrationKeys) } }),
    ...(Object.keys(env).length === 0 ? {} : { env }),
    ...(secrets.length === 0 ? {} : { secrets }),
    ...(caches.length === 0 ? {} : { cache: caches.map(cacheKeys) }),
    ...artifactKeys(artifact),
    ...(start === undefined ? {} : { start }),
    ...(health === undefined ? {} : { health: healthKeys(health) }),
    ...(activation === undefined ? {} : activationKeys(activation, duration)),
  });
  document.commentBefore = [`yaml-language-server: $schema=${schemaPath}`, ...draft.comments]
    .map(commentLine)
    .join('\n');
  commentSteps(document.get('steps'), draft.steps);
  commentSteps(document.getIn(['migrate', 'steps']), migrations);
  return document.toString({ lineWidth: 0 });
}

function commentSteps(list: unknown, steps: readonly DraftStep[]): void {
  if (!isSeq(list)) return;
  for (const [index, node] of list.items.entries()) {
    const comments = steps[index]?.comments ?? [];
    if (comments.length > 0 && isMap(node)) node.commentBefore = comments.map(commentLine).join('\n');
  }
}

/** A comment ends with its line, whatever a repository calls its files. */
function commentLine(text: string): string {
  return ` ${text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').slice(0, 300)}`;
}

function stepKeys(step: DraftStep) {
  const { id, name, phase, run, env = {}, timeoutMs, idempotent, retry, when } = step;
  const usual = phase !== 'migrate';
  return {
    ...(id === undefined ? {} : { id }),
    name,
    ...(phase === undefined || phase === 'build' ? {} : { phase }),
    run,
    ...(Object.keys(env).length === 0 ? {} : { env }),
    ...(timeoutMs === undefined ? {} : { timeout: duration(timeoutMs) }),
    ...(idempotent === undefined || idempotent === usual ? {} : { idempotent }),
    ...(retry === undefined ? {} : { retry: retryKeys(retry) }),
    ...(when === undefined ? {} : { when }),
  };
}

/** All of them are of the phase `migrate`, and have no key for it. */
function migrationKeys(step: DraftStep) {
  const { phase: _phase, ...keys } = stepKeys({ ...step, phase: 'migrate' });
  return keys;
}

function retryKeys({ times, exitStatuses, delayMs }: StepRetry) {
  return {
    times,
    ...(exitStatuses === null ? {} : { exit: exitStatuses }),
    ...(delayMs === 0 ? {} : { delay: duration(delayMs) }),
  };
}

function cacheKeys({ name, paths, variable, keyFiles }: PlanCache) {
  return {
    name,
    ...(variable === null ? { paths } : { variable }),
    ...(keyFiles === null ? {} : { key: keyFiles }),
  };
}

function artifactKeys(artifact: Plan['artifact'] | undefined) {
  if (artifact === undefined) return {};
  const { include } = artifact;
  const exclude = artifact.exclude.filter(pattern => !wholeTree.exclude.some(usual => usual === pattern));
  if (exclude.length > 0) return { artifact: { include, exclude } };
  return include.length === 1 && include[0] === wholeTree.include[0] ? {} : { artifact: include };
}

function healthKeys(health: NonNullable<Plan['health']>) {
  const { http, tcp, command, passes, startPeriodMs, attempts, intervalMs, timeoutMs } = health;
  return {
    ...(http === undefined ? {} : { http }),
    ...(tcp === undefined ? {} : { tcp }),
    ...(command === undefined ? {} : { command }),
    attempts,
    interval: duration(intervalMs),
    timeout: duration(timeoutMs),
    ...(passes === undefined ? {} : { passes }),
    ...(startPeriodMs === undefined ? {} : { start: duration(startPeriodMs) }),
  };
}

/** In the largest unit that divides it: 90s, 5m. */
function duration(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  if (ms % 60_000 === 0) return `${ms / 60_000}m`;
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}
