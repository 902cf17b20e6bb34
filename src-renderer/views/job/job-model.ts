/** Owns what a job's page says: heading, facts, steps, failure. Pure; times come in. */
import type { ErrorView } from '../../../src-main/contract/errors.ts';
import { type FirstError, firstErrorOf } from '../../../src-main/contract/first-error.ts';
import type { JobDetail, JobSummary, StepView } from '../../../src-main/contract/views/job.ts';
import type { VisualState } from '../../../src-main/contract/views/state.ts';
import { ordinal } from '../../state/job-words.ts';
import { formatDuration } from '../../ui/format.ts';

/** What the job is at, in a few words: the page's heading. */
export function jobHeading(job: Pick<JobSummary, 'status' | 'currentStep' | 'position'>): string {
  switch (job.status) {
    case 'queued':
      return job.position === null ? 'Waiting' : `${ordinal(job.position)} in line`;
    case 'running':
      return job.currentStep === null ? 'Starting' : `${job.currentStep} is running`;
    case 'succeeded':
      return 'Built and stored';
    case 'failed':
      return job.currentStep === null ? 'Failed' : `${job.currentStep} failed`;
    case 'cancelled':
      return 'Cancelled';
    case 'interrupted':
      return job.currentStep === null ? 'Interrupted' : `${job.currentStep} was interrupted`;
  }
}

export interface StepRow {
  readonly index: number;
  readonly name: string;
  readonly command: string | null;
  /** What the step found or did, else the evidence that put it into the plan. */
  readonly note: string | null;
  /** Null for a step that has not begun. */
  readonly look: VisualState | null;
  readonly lookWord: string;
  /** How long it took; `not run` and the like where it did not. */
  readonly time: string;
  /** Its time as a share of the longest step's, 0 to 1. */
  readonly share: number;
  readonly logOffset: number | null;
}

/** The steps with their bars. `nowMs` dates the step that runs. */
export function stepRows(job: Pick<JobDetail, 'steps' | 'status'>, nowMs: number): StepRow[] {
  const times = job.steps.map(step => stepMs(step, nowMs));
  const longest = Math.max(1, ...times.map(time => time ?? 0));
  const ended = job.status !== 'queued' && job.status !== 'running';
  return job.steps.map((step, index) => {
    const took = times[index] ?? null;
    return {
      index: step.index,
      name: step.name,
      command: step.command,
      note: step.detail ?? evidenceText(step),
      look: stepLook(step),
      lookWord: step.status === 'succeeded' ? 'done' : step.status,
      time: took === null ? waitWord(step, ended) : formatDuration(took, { tenths: step.status !== 'running' }),
      share: took === null ? 0 : took / longest,
      logOffset: step.logOffset,
    };
  });
}

function stepMs(step: StepView, nowMs: number): number | null {
  if (step.startedAtMs === null) return null;
  if (step.finishedAtMs === null && step.status !== 'running') return null;
  return Math.max(0, (step.finishedAtMs ?? nowMs) - step.startedAtMs);
}

function waitWord(step: StepView, jobEnded: boolean): string {
  if (step.status === 'skipped') return 'skipped';
  return jobEnded ? 'not run' : '';
}

function stepLook(step: StepView): VisualState | null {
  switch (step.status) {
    case 'pending':
    case 'skipped':
      return null;
    case 'running':
      return 'running';
    case 'succeeded':
      return 'verified';
    case 'failed':
      return 'failed';
  }
}

/** Where a step comes from: `package.json:12, scripts.test`. */
export function evidenceText(step: Pick<StepView, 'evidence'>): string | null {
  const [first, ...rest] = step.evidence;
  if (!first) return null;
  const place = first.line === null ? first.file : `${first.file}:${first.line}`;
  const text = first.reason && first.reason !== first.file ? `${place}: ${first.reason}` : place;
  return rest.length === 0 ? text : `${text}, and ${rest.length} more`;
}

export interface Failure {
  readonly look: 'failed' | 'stale';
  readonly message: string;
  readonly code: string | null;
  /** The line of the log that says it; the message is without it. */
  readonly firstError: FirstError | null;
  /** What trying again would do, or why it is not offered. */
  readonly advice: string;
  readonly retry: 'offer' | 'automatic' | 'none';
}

/** What went wrong and which retry makes sense; null for a job that did not fail. */
export function failureOf(
  job: Pick<JobDetail, 'status' | 'error' | 'currentStep' | 'steps' | 'attempt'>,
): Failure | null {
  if (job.status !== 'failed' && job.status !== 'interrupted') return null;
  const failed = job.steps.find(step => step.status === 'failed');
  const exit = failed?.exitCode;
  const fallback = failed
    ? `The step “${failed.name}” ended${exit === null || exit === undefined ? '' : ` with exit code ${exit}`}. Its log says why.`
    : 'The job ended before it could say why. Its log may tell more.';
  const firstError = firstErrorOf(job.error);
  const message = job.error?.message ?? fallback;
  const said = firstError === null ? '' : `: ${firstError.line}`;
  return {
    look: job.status === 'failed' ? 'failed' : 'stale',
    message: said !== '' && message.endsWith(said) ? `${message.slice(0, -said.length)}.` : message,
    firstError,
    code: job.error?.code ?? null,
    ...adviceOn(job.status, job.error),
  };
}

function adviceOn(status: 'failed' | 'interrupted', error: ErrorView | null): Pick<Failure, 'advice' | 'retry'> {
  if (status === 'interrupted') {
    return {
      advice:
        'The step that was cut off may have changed something outside the build. Look there first, then run it again.',
      retry: 'offer',
    };
  }
  switch (error?.retry) {
    case 'automatic':
      return { advice: 'This passes by itself more often than not: a retry is likely to help.', retry: 'offer' };
    case 'never':
      return { advice: 'Running the same revision again would end the same way.', retry: 'none' };
    case 'user':
    case undefined:
      return { advice: 'A retry builds the same revision again. A change needs a new commit.', retry: 'offer' };
  }
}

/** What a person may do with the job now. One that succeeded is run again only to have a pack back that was reclaimed. */
export function jobActions({ status, build }: Pick<JobDetail, 'status' | 'build'>): {
  cancel: boolean;
  retry: boolean;
} {
  const isReclaimed = build?.reclaimedAtMs != null;
  return {
    cancel: status === 'queued' || status === 'running',
    retry:
      status === 'failed' ||
      status === 'cancelled' ||
      status === 'interrupted' ||
      (status === 'succeeded' && isReclaimed),
  };
}

/** Where a finished job's log opens: the failed step, if its place is known. */
export function failedStepOffset(steps: readonly StepView[]): number | null {
  return steps.find(step => step.status === 'failed')?.logOffset ?? null;
}

/** Index of the step that wrote a line: the last one that began at or before it. `lineOf` finds the line of a byte. */
export function stepOfLine(
  steps: readonly StepView[],
  line: number,
  lineOf: (logOffset: number) => number | null,
): number | null {
  let found: number | null = null;
  for (const step of steps) {
    const begins = step.logOffset === null ? null : lineOf(step.logOffset);
    if (begins !== null && begins <= line) found = step.index;
  }
  return found;
}
