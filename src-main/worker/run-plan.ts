/** Owns the phase in which the plan's steps run as real child processes. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '../contract/errors.ts';
import type { Plan, PlanStep } from '../contract/plan.ts';
import { workerVariable } from '../domain/worker-variable.ts';
import { runStep } from '../process/run-step.ts';
import { stepEnvironment } from '../toolchains/step-environment.ts';
import { type AttemptRun, asStep } from './attempt-run.ts';
import type { RepositoryEnvironment } from './environment.ts';

/** From the interrupt to the kill of a step that is cancelled or out of time. */
const graceMs = 5_000;

/** Runs every step in order, in `source`. Throws `step.failed`, `step.timeout`, `job.cancelled`. */
export async function runPlan(
  run: AttemptRun,
  options: {
    readonly plan: Plan;
    readonly environment: RepositoryEnvironment;
    readonly source: string;
    readonly pathEntries: readonly string[];
    readonly firstPosition: number;
  },
): Promise<void> {
  const { plan, environment, source, pathEntries, firstPosition } = options;
  // A step's temporary files go with the attempt, not with the machine.
  const temporary = join(run.workFolder, 'tmp');
  await mkdir(temporary, { recursive: true });
  // The nearer to the step, the stronger.
  const planEnv = { ...environment.variables, ...plan.env };
  for (const [index, step] of plan.steps.entries()) {
    const env = {
      ...stepEnvironment(process.env, planEnv, step.env, environment.secrets, pathEntries),
      TMPDIR: temporary,
      TEMP: temporary,
      TMP: temporary,
      [workerVariable]: run.claimed.token.workerId,
    };
    await asStep(run, { position: firstPosition + index, name: step.name }, async () => {
      await run.log.note(`$ ${step.run}`);
      const result = await runStep({
        commandLine: step.run,
        cwd: source,
        env,
        onOutput: chunk => run.log.write(chunk),
        signal: run.signal,
        timeoutMs: step.timeoutMs,
        graceMs,
      });
      assertSucceeded(step, result);
      return { result: undefined, detail: null, exitCode: result.exitCode };
    });
  }
}

function assertSucceeded(step: PlanStep, result: Awaited<ReturnType<typeof runStep>>): void {
  switch (result.outcome) {
    case 'cancelled':
      throw new DomainError('job.cancelled', `Cancelled during "${step.name}".`);
    case 'timed_out':
      throw new DomainError(
        'step.timeout',
        `"${step.name}" was ended after ${Math.round(step.timeoutMs / 1_000)} s, its time limit. Give it a longer "timeout" in slipway.yml, or find out what it waits for.`,
        { step: step.id, timeoutMs: step.timeoutMs },
      );
    case 'exited':
      if (result.exitCode === 0) return;
      throw new DomainError(
        'step.failed',
        result.signal === null
          ? `"${step.name}" (${step.run}) ended with exit code ${result.exitCode}. Its output in the job's log says why.`
          : `"${step.name}" (${step.run}) was ended by ${result.signal}.`,
        { step: step.id, exitCode: result.exitCode, signal: result.signal },
      );
  }
}
