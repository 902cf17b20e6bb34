/** What a job's page says. */
import { describe, expect, it } from 'vitest';
import type { ErrorView } from '../../../../src-main/contract/errors.ts';
import type { JobStatus, StepView } from '../../../../src-main/contract/views/job.ts';
import { logFileName } from '../../../../src-renderer/views/job/download-log.ts';
import {
  evidenceText,
  failureOf,
  jobActions,
  jobHeading,
  stepOfLine,
  stepRows,
} from '../../../../src-renderer/views/job/job-model.ts';

const step = (change: Partial<StepView>): StepView => ({
  index: 0,
  name: 'Test',
  phase: 'test',
  command: 'npm test',
  status: 'succeeded',
  startedAtMs: 1_000,
  finishedAtMs: 3_000,
  exitCode: 0,
  logOffset: 0,
  detail: null,
  evidence: [],
  ...change,
});
const failed = (error: ErrorView | null, status: JobStatus = 'failed') =>
  failureOf({ status, error, currentStep: 'Test', steps: [step({ status: 'failed', exitCode: 2 })], attempt: 1 });

describe('jobHeading', () => {
  it.each([
    ['queued', '3rd in line'],
    ['running', 'Test is running'],
    ['failed', 'Test failed'],
    ['interrupted', 'Test was interrupted'],
    ['cancelled', 'Cancelled'],
    ['succeeded', 'Built and stored'],
  ] as const)('%s reads “%s”', (status, words) => {
    expect(jobHeading({ status, currentStep: 'Test', position: 3 })).toBe(words);
  });
});

describe('stepRows', () => {
  it('measures steps against the longest one', () => {
    const rows = stepRows(
      { status: 'running', steps: [step({}), step({ index: 1, finishedAtMs: null, status: 'running' })] },
      9_000,
    );
    expect(rows.map(row => row.share)).toEqual([0.25, 1]);
    expect(rows.map(row => row.look)).toEqual(['verified', 'running']);
    expect(rows[0]?.time).toBe('2.0 s');
  });

  it('says what was not run once the job has ended', () => {
    const steps = [step({ status: 'pending', startedAtMs: null, finishedAtMs: null })];
    expect(stepRows({ status: 'failed', steps }, 0)[0]).toMatchObject({ time: 'not run', look: null, share: 0 });
    expect(stepRows({ status: 'running', steps }, 0)[0]?.time).toBe('');
  });
});

describe('evidenceText', () => {
  it('names place and reason', () => {
    const evidence = [
      { file: 'package.json', line: 12, reason: 'scripts.test' },
      { file: 'x', line: null, reason: 'y' },
    ];
    expect(evidenceText({ evidence })).toBe('package.json:12: scripts.test, and 1 more');
    expect(evidenceText({ evidence: [] })).toBeNull();
  });
});

describe('failureOf', () => {
  it('offers the retry that makes sense', () => {
    const error = (retry: ErrorView['retry']): ErrorView => ({
      code: 'step.failed',
      message: 'broken',
      details: {},
      retry,
    });
    expect(failed(error('user'))).toMatchObject({
      message: 'broken',
      code: 'step.failed',
      retry: 'offer',
      look: 'failed',
    });
    expect(failed(error('automatic'))?.retry).toBe('offer');
    expect(failed(error('never'))?.retry).toBe('none');
    expect(failed(null, 'interrupted')).toMatchObject({ look: 'stale', retry: 'offer' });
  });

  it('has the first error as a line of its own, with its place', () => {
    const error = (message: string): ErrorView => ({
      code: 'step.failed',
      message,
      details: { firstError: { line: 'error: no luck', logOffset: 120 } },
      retry: 'user',
    });
    expect(failed(error('"Test" ended with exit code 2: error: no luck'))).toMatchObject({
      message: '"Test" ended with exit code 2.',
      firstError: { line: 'error: no luck', logOffset: 120 },
    });
    expect(failed(error('other words'))?.message).toBe('other words');
    const broken: ErrorView = { ...error('x'), details: { firstError: { line: 1, logOffset: -1 } } };
    expect(failed(broken)?.firstError).toBeNull();
    expect(failed(null)?.firstError).toBeNull();
  });

  it('finds words where the engine gave none', () => {
    expect(failed(null)?.message).toContain('exit code 2');
  });

  it('says nothing of jobs that did not fail', () => {
    for (const status of ['queued', 'running', 'succeeded', 'cancelled'] as const)
      expect(failed(null, status)).toBeNull();
  });
});

describe('jobActions', () => {
  it.each([
    ['queued', true, false],
    ['running', true, false],
    ['succeeded', false, false],
    ['failed', false, true],
    ['cancelled', false, true],
    ['interrupted', false, true],
  ] as const)('%s', (status, cancel, retry) => {
    expect(jobActions({ status, build: null })).toEqual({ cancel, retry });
  });

  it('builds again what was reclaimed', () => {
    const kept = { id: 'b', artifactId: '', packDigest: '', sizeBytes: 1, treeSizeBytes: 1, pinnedAtMs: null };
    const build = { ...kept, reclaimedAtMs: 1 };
    expect(jobActions({ status: 'succeeded', build })).toEqual({ cancel: false, retry: true });
    expect(jobActions({ status: 'succeeded', build: { ...kept, reclaimedAtMs: null } }).retry).toBe(false);
  });
});

describe('stepOfLine', () => {
  it('is the last step that began at or before the line', () => {
    const steps = [
      step({ index: 0, logOffset: 0 }),
      step({ index: 1, logOffset: 50 }),
      step({ index: 2, logOffset: null }),
    ];
    const lineOf = (offset: number) => offset / 10;
    expect(stepOfLine(steps, 4, lineOf)).toBe(0);
    expect(stepOfLine(steps, 5, lineOf)).toBe(1);
    expect(stepOfLine(steps, 9, () => null)).toBeNull();
  });
});

describe('logFileName', () => {
  it('survives hostile names', () => {
    expect(logFileName('../../etc/passwd')).toBe('etc-passwd.log');
    expect(logFileName('')).toBe('job.log');
    expect(logFileName(`${'x'.repeat(500)}`)).toHaveLength(104);
  });
});
