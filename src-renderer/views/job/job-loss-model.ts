/** Owns what is said of attempts whose worker was lost. Pure. */
import type { JobDetail, LossView } from '../../../src-main/contract/views/job.ts';
import { formatBytes, formatDuration } from '../../ui/format.ts';

/** Enough to see what it was at. */
const saidLines = 6;

export interface LossRow {
  readonly attempt: number;
  readonly title: string;
  readonly facts: string;
  /** The last lines of the worker itself, else of the attempt's log; empty where both were silent. */
  readonly said: string;
}

function lastLines(text: string): string {
  return text.trimEnd().split('\n').slice(-saidLines).join('\n');
}

function factsOf(loss: LossView): string {
  const facts = [
    loss.step === null ? 'between two steps' : `during “${loss.step}”`,
    loss.exitCode === null ? null : `exit code ${loss.exitCode}`,
    loss.signal,
    loss.silentMs === null ? null : `silent for ${formatDuration(loss.silentMs)}`,
    loss.peakMemoryBytes === null ? null : `at most ${formatBytes(loss.peakMemoryBytes)} of memory with its steps`,
  ];
  return facts.filter(fact => fact !== null).join(' · ');
}

/** The lost attempts of a job, oldest first. */
export function lossRows(job: Pick<JobDetail, 'attempts'>): LossRow[] {
  return job.attempts.flatMap(({ attempt, workerName, loss }) =>
    loss === null
      ? []
      : [
          {
            attempt,
            title: `Attempt ${attempt} was lost with ${workerName}: ${loss.reason}`,
            facts: factsOf(loss),
            said: lastLines(loss.lastOutput.trim() === '' ? loss.logTail : loss.lastOutput),
          },
        ],
  );
}
