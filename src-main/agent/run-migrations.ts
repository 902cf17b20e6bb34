/** Owns running the commands of a release's migrations, in its folder and with its environment. Knows no lock. */
import { open, rename, stat } from 'node:fs/promises';
import type { Migration } from '../contract/activation.ts';
import { systemErrorCode } from '../contract/errors.ts';
import { createOutputTail } from '../process/output-tail.ts';
import { runStep } from '../process/run-step.ts';
import { maskText } from './mask-text.ts';

/** From the interrupt to the kill: what a tool needs to roll a transaction back. */
const graceMs = 30_000;
const maxLogBytes = 16 * 1024 * 1024;
const shownBytes = 2_000;

export interface MigrationRun {
  readonly migrations: readonly Migration[];
  readonly cwd: string;
  /** The whole environment of a release's process. */
  readonly env: Readonly<Record<string, string>>;
  /** What must not be seen in a message. */
  readonly secrets: readonly string[];
  readonly logFile: string;
  readonly signal: AbortSignal;
}

/** Null where all succeeded; else which did not, how, and its last output without secrets. */
export interface MigrationProblem {
  readonly message: string;
  readonly lastOutput: string;
}

async function openLog(path: string) {
  try {
    if ((await stat(path)).size > maxLogBytes) await rename(path, `${path}.1`);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
  return open(path, 'a', 0o600);
}

/** Runs them in order; the first that fails is the last. Nothing of them runs when this returns. Throws `step.failed`, `data.*`. */
export async function runMigrations(options: MigrationRun): Promise<MigrationProblem | null> {
  const log = await openLog(options.logFile);
  try {
    for (const migration of options.migrations) {
      const tail = createOutputTail();
      await log.write(`--- ${migration.name}\n`);
      const { outcome, exitCode, signal } = await runStep({
        commandLine: migration.run,
        cwd: options.cwd,
        env: { ...options.env, ...migration.env },
        onOutput: async chunk => {
          tail.take(chunk);
          await log.write(chunk);
        },
        signal: options.signal,
        timeoutMs: migration.timeoutMs,
        graceMs,
      });
      if (outcome === 'exited' && exitCode === 0) continue;
      const how =
        outcome === 'timed_out'
          ? `took more than ${migration.timeoutMs / 1_000} s`
          : outcome === 'cancelled'
            ? 'was ended'
            : `ended with ${signal === null ? `exit code ${exitCode}` : `signal ${signal}`}`;
      const lastOutput = maskText(tail.text(), options.secrets);
      const words = lastOutput.trim().slice(-shownBytes);
      return {
        message: `The migration "${migration.name}" ${how}${words === '' ? '' : `. Its last output: ${words}`}`,
        lastOutput,
      };
    }
    return null;
  } finally {
    await log.close();
  }
}
