/** Owns what a worker does for the job of a crash drill: one real child process that waits to be lost, and nothing that is kept. */
import { mkdir } from 'node:fs/promises';
import { DomainError } from '../contract/errors.ts';
import { workerVariable } from '../domain/worker-variable.ts';
import { runStep } from '../process/run-step.ts';
import { stepEnvironment } from '../toolchains/step-environment.ts';
import { type AttemptRun, asStep } from './attempt-run.ts';

/** The kill comes at once; a job that nobody kills ends by itself, before it could look like one that stands still. */
const waitSeconds = 45;
const timeoutMs = 2 * waitSeconds * 1_000;
const graceMs = 1_000;

const wait = process.platform === 'win32' ? `ping -n ${waitSeconds + 1} 127.0.0.1 > NUL` : `sleep ${waitSeconds}`;

/** The first attempt waits, every later one succeeds at once. Throws `step.failed`, `job.cancelled`, `job.fenced`. */
export async function runDrill(
  run: Pick<AttemptRun, 'recorder' | 'clock' | 'log' | 'signal' | 'claimed' | 'workFolder' | 'workerId'>,
): Promise<void> {
  const isFirst = run.claimed.token.attempt === 1;
  const step = { position: 0, name: isFirst ? 'Wait to be killed' : 'Run again' };
  const commandLine = isFirst ? wait : 'echo The job runs again.';
  await run.recorder.add([{ ...step, phase: 'test', command: commandLine, idempotent: true, evidence: [] }], null);
  await mkdir(run.workFolder, { recursive: true });
  await asStep(run, step, async () => {
    const result = await runStep({
      commandLine,
      cwd: run.workFolder,
      env: { ...stepEnvironment(process.env, {}, {}, {}, []), [workerVariable]: run.workerId },
      onOutput: chunk => run.log.write(chunk),
      signal: run.signal,
      timeoutMs,
      graceMs,
    });
    run.signal.throwIfAborted();
    if (result.exitCode !== 0) {
      throw new DomainError('step.failed', `The step of the drill ended with exit code ${result.exitCode}.`, {
        exitCode: result.exitCode,
      });
    }
    return { result: undefined, detail: null, exitCode: 0 };
  });
}
