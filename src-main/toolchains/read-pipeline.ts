/** Owns reading slipway.yml: from bytes to a plan, or to every problem with its line and column. Runs nothing. */
import { lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import { type PipelineFile, type PipelineStep, pipelineFileNames, pipelineSchema } from '../contract/pipeline.ts';
import type { HealthCheck, Plan, PlanStep, StepRetry } from '../contract/plan.ts';
import { cachePathsOutside, pipelineCaches } from './caches.ts';
import { commandPrograms } from './command-programs.ts';
import { maxProblems, type ParsedPipeline, type PipelineProblem, parsePipelineText } from './parse-pipeline.ts';
import { problemsOf } from './pipeline-problems.ts';
import { defaultStepTimeoutMs, wholeTree } from './project-tree.ts';

/**
 * A pipeline file is written by hand and a few KiB long. The YAML parser needs seconds for a quarter of a mebibyte that is
 * made to hurt it (anchors, nested brackets), and a fraction of one for this.
 */
const maxFileBytes = 64 * 1024;

/**
 * The plan that `slipway.yml` or `slipway.yaml` at `root` describes; null where neither is there.
 *
 * Throws `pipeline.invalid` once for all that is wrong, with `details.problems` as `{line, column, message}[]`.
 */
export async function readPipeline(root: string): Promise<Plan | null> {
  const names: string[] = [];
  for (const name of pipelineFileNames) {
    if (await isPresent(join(root, name))) names.push(name);
  }
  const [file, second] = names;
  if (file === undefined) return null;
  if (second !== undefined) {
    throw invalid(second, [at(1, 1, `the repository also has ${file}; keep one of the two and delete the other`)]);
  }
  return pipelineFromText(file, await readBounded(root, file));
}

/** The plan that the text of a pipeline file describes. Throws `pipeline.invalid`, as `readPipeline` does. */
export function pipelineFromText(file: string, text: string): Plan {
  const parsed = parsePipelineText(text);
  if (parsed.problems.length > 0) throw invalid(file, parsed.problems);
  const result = pipelineSchema.safeParse(parsed.value);
  if (!result.success) throw invalid(file, problemsOf(result.error.issues, parsed));
  return planOf(file, result.data, parsed);
}

async function isPresent(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** The text of a file at `root`, at most 64 KiB. A link is refused: a repository must not make its errors quote a file of the host. */
export async function readBounded(root: string, file: string): Promise<string> {
  const path = join(root, file);
  const facts = await lstat(path);
  if (!facts.isFile()) throw invalid(file, [at(1, 1, 'it is not a regular file; replace it by one')]);
  if (facts.size > maxFileBytes) {
    throw invalid(file, [
      at(1, 1, `it has ${facts.size} bytes, and at most ${maxFileBytes} are read; make it shorter`),
    ]);
  }
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(maxFileBytes);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length));
  } catch (error) {
    if (error instanceof TypeError) throw invalid(file, [at(1, 1, 'it is not UTF-8 text; save it as UTF-8')]);
    throw error;
  } finally {
    await handle.close();
  }
}

function at(line: number, column: number, message: string): PipelineProblem {
  return { line, column, message };
}

/** One error for all that is wrong with a file. */
export function invalid(file: string, problems: readonly PipelineProblem[]): DomainError {
  const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column).slice(0, maxProblems);
  const [first = at(1, 1, 'it cannot be read'), ...others] = sorted;
  const rest =
    others.length === 0 ? '' : ` (and ${others.length} more ${others.length === 1 ? 'problem' : 'problems'})`;
  const message = `${file}, line ${first.line}, column ${first.column}: ${first.message}${rest}`;
  return new DomainError('pipeline.invalid', message, { file, problems: sorted });
}

function planOf(file: string, pipeline: PipelineFile, parsed: ParsedPipeline): Plan {
  const taken = new Set((pipeline.steps ?? []).flatMap(step => step.id ?? []));
  const steps = (pipeline.steps ?? []).map((step, index) => stepOf(file, step, index, parsed, taken));
  const artifact = pipeline.artifact ?? {};
  const { include, exclude } = Array.isArray(artifact) ? { include: artifact, exclude: undefined } : artifact;
  const included = include ?? [...wholeTree.include];
  const caches = pipelineCaches(pipeline);
  return {
    origin: 'pipeline',
    tool: 'custom',
    requirements: commandPrograms(steps),
    steps,
    migrations: [],
    roots: [],
    caches,
    reusesResults: Array.isArray(pipeline.cache) || pipeline.cache?.result !== false,
    env: pipeline.env ?? {},
    secrets: [...new Set(pipeline.secrets ?? [])],
    artifact: {
      include: included,
      exclude: [...new Set([...wholeTree.exclude, ...(exclude ?? []), ...cachePathsOutside(caches, included)])],
    },
    start: pipeline.start ?? null,
    health: healthOf(pipeline),
    evidence: [{ file, line: 1, reason: 'the repository says itself how it is built' }],
  };
}

function stepOf(file: string, step: PipelineStep, index: number, parsed: ParsedPipeline, taken: Set<string>): PlanStep {
  const phase = step.phase ?? 'build';
  return {
    id: step.id ?? freeId(step.name, index, taken),
    name: step.name ?? step.id ?? (step.run.trim().split('\n')[0] ?? step.run).slice(0, 80),
    phase,
    run: step.run,
    env: step.env ?? {},
    timeoutMs: step.timeout ?? defaultStepTimeoutMs,
    idempotent: step.idempotent ?? phase !== 'migrate',
    ...(step.retry === undefined ? {} : { retry: retryOf(step.retry) }),
    ...(step.when === undefined ? {} : { when: step.when }),
    evidence: [{ file, line: parsed.positionOf(['steps', index]).line, reason: `step ${index + 1} of ${file}` }],
  };
}

function retryOf(retry: NonNullable<PipelineStep['retry']>): StepRetry {
  if (typeof retry === 'number') return { times: retry, exitStatuses: null, delayMs: 0 };
  return { times: retry.times ?? 1, exitStatuses: retry.exit ?? null, delayMs: retry.delay ?? 0 };
}

/** An id made of the name, or of the step's number; never one that another step has. */
function freeId(name: string | undefined, index: number, taken: Set<string>): string {
  const slug = (name ?? '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 40);
  const base = slug === '' ? `step-${index + 1}` : slug;
  let id = base;
  for (let count = 2; taken.has(id); count += 1) id = `${base}-${count}`;
  taken.add(id);
  return id;
}

function healthOf({ health }: PipelineFile): HealthCheck | null {
  if (health === undefined) return null;
  return {
    ...(health.http === undefined ? {} : { http: health.http }),
    ...(health.command === undefined ? {} : { command: health.command }),
    timeoutMs: health.timeout ?? 10_000,
    attempts: health.attempts ?? 5,
    intervalMs: health.interval ?? 1_000,
  };
}
