import { expect, it } from 'vitest';
import type { AttemptView } from '../../../../src-main/contract/views/job.ts';
import { lossRows } from '../../../../src-renderer/views/job/job-loss-model.ts';

const attempt: AttemptView = {
  attempt: 1,
  workerName: 'worker 2',
  startedAtMs: 1,
  finishedAtMs: 2,
  outcome: 'lost',
  error: null,
  isolation: null,
  loss: {
    reason: 'its process was killed by SIGKILL',
    exitCode: null,
    signal: 'SIGKILL',
    step: 'Test',
    silentMs: 13_000,
    peakMemoryBytes: 300 * 1024 * 1024,
    lastOutput: '',
    logTail: 'one\ntwo\n',
  },
};

it('tells of every lost attempt, and of no other', () => {
  const succeeded: AttemptView = { ...attempt, attempt: 2, outcome: 'succeeded', loss: null };
  const [row, ...others] = lossRows({ attempts: [attempt, succeeded] });
  expect(others).toEqual([]);
  expect(row).toMatchObject({
    attempt: 1,
    title: 'Attempt 1 was lost with worker 2: its process was killed by SIGKILL',
    said: 'one\ntwo',
  });
  expect(row?.facts).toContain('during “Test” · SIGKILL · silent for');
  expect(row?.facts).toContain('300 MiB of memory');
});

it('prefers the words of the worker itself, and keeps the last of them', () => {
  const lines = Array.from({ length: 20 }, (_, index) => `line ${index}`).join('\n');
  const [row] = lossRows({ attempts: [{ ...attempt, loss: attempt.loss && { ...attempt.loss, lastOutput: lines } }] });
  expect(row?.said.split('\n')).toHaveLength(6);
  expect(row?.said).toContain('line 19');
});
