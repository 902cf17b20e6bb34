/** Owns the phase in which the plan's steps run as real child processes. */
import { mkdir } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DomainError } from '../contract/errors.ts';
import type { Plan, PlanStep } from '../contract/plan.ts';
import { workerVariable } from '../domain/worker-variable.ts';
import type { StepResult } from '../process/run-step.ts';
import type { ResolvedTools } from '../toolchains/resolve-tools.ts';
import { networkVariables, stepEnvironment } from '../toolchains/step-environment.ts';
import { asStep, type BuildRun, type StepOutcome } from './attempt-run.ts';
import { cachesFolder } from './caches.ts';
import type { RepositoryEnvironment } from './environment.ts';
import { type FirstError, findFirstError } from './first-error.ts';
import type { BuildIsolation, StepPlace as IsolatedPlace } from './isolate.ts';
import { whyLeftOut } from './step-condition.ts';
import { type CountedReports, describeTests, findTestResults, type TestSink } from './test-results.ts';

/** From the interrupt to the kill of a step that is cancelled or out of time. */
const graceMs = 5_000;
/** What of a failed step's output is searched for its first error: so much of its beginning, then so much of its end. */
const maxSearchedBytes = 4 * 1024 * 1024;
/** Characters of a command that a message names; the plan has the rest. */
const maxNamedCommand = 100;
/** Failed tests that are named in the log; the files have the rest. */
const maxNamedTests = 10;
const nowhere: TestSink = { add: () => undefined, flush: async () => undefined };

/** Runs every step in order, in `project`. Throws `step.*`, `job.cancelled`. */
export async function runPlan(
  run: BuildRun,
  options: {
    readonly plan: Plan;
    readonly environment: RepositoryEnvironment;
    readonly source: string;
    /** The folder of the checkout in which the steps run. */
    readonly project: string;
    readonly tools: ResolvedTools;
    readonly isolation: BuildIsolation;
    readonly firstPosition: number;
  },
): Promise<void> {
  const { plan, environment, source, project, tools, isolation, firstPosition } = options;
  // A step's temporary files go with the attempt, not with the machine.
  const temporary = join(run.workFolder, 'tmp');
  await mkdir(temporary, { recursive: true });
  // The nearer to the step, the stronger.
  const planEnv = { ...tools.variables, ...environment.variables, ...plan.env };
  const counted: CountedReports = new Map();
  for (const [index, step] of plan.steps.entries()) {
    const env = {
      ...stepEnvironment(process.env, planEnv, step.env, environment.secrets, tools.pathEntries),
      TMPDIR: temporary,
      TEMP: temporary,
      TMP: temporary,
      [workerVariable]: run.workerId,
    };
    await asStep(run, { position: firstPosition + index, name: step.name }, async () => {
      const leftOut = await whyLeftOut(step.when, run);
      if (leftOut !== null) return { result: undefined, detail: leftOut, skipped: true };
      const place = {
        tree: source,
        cwd: project,
        caches: join(run.workFolder, cachesFolder),
        temporary,
        toolPaths: tools.tools.map(tool => tool.path),
        ownVariables: ownVariables(planEnv, step.env, environment.secrets),
      };
      return runOne(run, step, { isolation, place, env, counted });
    });
  }
}

interface StepPlace {
  readonly isolation: BuildIsolation;
  readonly place: IsolatedPlace;
  readonly env: NodeJS.ProcessEnv;
  readonly counted: CountedReports;
}

async function runOne(
  run: BuildRun,
  step: PlanStep,
  { isolation, place, env, counted }: StepPlace,
): Promise<StepOutcome<undefined>> {
  for (let attempt = 1; ; attempt += 1) {
    await run.log.note(`$ ${step.run.trimEnd()}`);
    const logOffset = run.log.sizeBytes;
    // Compared with the times of files, so it is the machine's clock whatever the build's is.
    const sinceMs = Date.now();
    const options = { commandLine: step.run, env, signal: run.signal, timeoutMs: step.timeoutMs, graceMs };
    const result = await isolation.run({ ...options, onOutput: chunk => run.log.write(chunk) }, place);
    if (isWorthAnother(step, result, attempt)) {
      await run.log.note(`Exit code ${result.exitCode}: run again, ${attempt} of ${step.retry?.times ?? 0}.`);
      await pause(step.retry?.delayMs ?? 0, run.signal);
      continue;
    }
    const firstError = result.exitCode === 0 ? null : await firstErrorOf(run, logOffset);
    const tests = await testsOf(run, step, { source: place.cwd, counted, sinceMs });
    const detail =
      [tests, attempt > 1 ? `run ${attempt} times` : null].filter(part => part !== null).join(', ') || null;
    assertSucceeded(step, result, { firstError, detail });
    return { result: undefined, detail, exitCode: result.exitCode };
  }
}

interface LocatedError {
  readonly line: string;
  /** Bytes from the beginning of the log. */
  readonly logOffset: number;
}

function located(found: FirstError | null, fromBytes: number): LocatedError | null {
  return found && { line: found.line, logOffset: fromBytes + found.offsetBytes };
}

async function firstErrorOf(run: BuildRun, logOffset: number): Promise<LocatedError | null> {
  const begun = findFirstError(await run.log.read(logOffset, maxSearchedBytes));
  const endOffset = run.log.sizeBytes - maxSearchedBytes;
  if (begun?.marked || endOffset <= logOffset) return located(begun, logOffset);
  const end = await run.log.read(endOffset, maxSearchedBytes);
  // The first line there may be cut.
  const cut = end.indexOf(0x0a) + 1;
  return located(findFirstError(end.subarray(cut)), endOffset + cut) ?? located(begun, logOffset);
}

/** A step that was ended by us, or by a signal, is not run again: only an exit status says that it is worth it. */
function isWorthAnother({ retry }: PlanStep, { outcome, exitCode }: StepResult, attempt: number): boolean {
  if (retry === undefined || attempt > retry.times) return false;
  if (outcome !== 'exited' || exitCode === null || exitCode === 0) return false;
  return retry.exitStatuses === null || retry.exitStatuses.includes(exitCode);
}

async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  // The next run sees the abort, and says what it is.
  await delay(delayMs, undefined, { signal }).catch(() => undefined);
}

/** What the test runners of this step wrote, in words; the failed ones are named in the log. */
async function testsOf(
  run: BuildRun,
  step: PlanStep,
  options: { readonly source: string; readonly counted: CountedReports; readonly sinceMs: number },
): Promise<string | null> {
  if (run.signal.aborted || (step.phase !== 'build' && step.phase !== 'test')) return null;
  const { source, counted, sinceMs } = options;
  const sink = run.tests?.sinkFor(step.name) ?? nowhere;
  const found = await findTestResults(source, { sinceMs, counted, signal: run.signal, sink });
  if (found === null) return null;
  await run.tests?.publish(found.files);
  for (const name of found.failedNames.slice(0, maxNamedTests)) await run.log.problem(`failed: ${name}`);
  if (found.failed > maxNamedTests) await run.log.problem(`failed: ${found.failed - maxNamedTests} more`);
  return describeTests(found);
}

function assertSucceeded(
  step: PlanStep,
  result: StepResult,
  { firstError, detail }: { readonly firstError: LocatedError | null; readonly detail: string | null },
): void {
  const stepDetail = detail === null ? {} : { stepDetail: detail };
  switch (result.outcome) {
    case 'cancelled':
      throw new DomainError('job.cancelled', `Cancelled during "${step.name}".`);
    case 'timed_out':
      throw new DomainError(
        'step.timeout',
        `"${step.name}" was ended after ${Math.round(step.timeoutMs / 1_000)} s, its time limit. Give it a longer "timeout" in slipway.yml, or find out what it waits for.`,
        { step: step.id, timeoutMs: step.timeoutMs, ...stepDetail },
      );
    case 'exceeded': {
      const { code, message, details } = result.excess ?? new DomainError('internal', 'was ended');
      throw new DomainError(code, `"${step.name}" ${message}`, { ...details, step: step.id, ...stepDetail });
    }
    case 'exited': {
      if (result.exitCode === 0) return;
      const how = wayOfEnding(result);
      throw new DomainError(
        'step.failed',
        `"${step.name}"${commandOf(step)} ${how}${firstError === null ? ', and said nothing.' : `: ${firstError.line}`}`,
        { step: step.id, exitCode: result.exitCode, signal: result.signal, firstError, ...stepDetail },
      );
    }
  }
}

/** The command in a sentence: its first line, where the step's name does not say it already. */
function commandOf({ name, run }: PlanStep): string {
  const line = run.trim().split('\n')[0] ?? '';
  // A step without a name has the beginning of its command for one.
  if (line.slice(0, 80) === name) return '';
  const isWhole = line === run.trim() && line.length <= maxNamedCommand;
  return ` (${isWhole ? line : `${line.slice(0, maxNamedCommand)} …`})`;
}

/** A shell, and whatever a step runs in, tells a signal by 128 and its number. */
function wayOfEnding({ exitCode, signal }: StepResult): string {
  const name = signal ?? signalsByStatus.get(exitCode ?? 0) ?? null;
  const how = signal === null ? `ended with exit code ${exitCode}` : `was ended by ${signal}`;
  if (name === 'SIGKILL') return `${how} (killed from outside: mostly the system, when memory ran out)`;
  return signal === null && name !== null ? `${how} (${name})` : how;
}

const signalsByStatus: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.signals).map(([name, number]) => [128 + number, name]),
);

/** The variables that mean the same wherever a step runs. */
function ownVariables(...sources: readonly Readonly<Record<string, string>>[]): string[] {
  const names = [...networkVariables, 'CI', 'FORCE_COLOR', 'NO_COLOR', 'SLIPWAY', ...sources.flatMap(Object.keys)];
  // A certificate file, a PATH or a home of the host is not there in a container.
  return [...new Set(names)].filter(name => !/^(?:PATH|HOME|SSL_CERT_\w+|NODE_EXTRA_CA_CERTS)$/.test(name));
}
