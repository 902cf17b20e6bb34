/** That the checker can fail: a sound history, and one for each kind of violation. */
import { expect, it } from 'vitest';
import { checkHistory, type Promised } from './check-history.ts';
import type { History } from './history.ts';
import { revisionAt } from './queue-under-test.ts';

const expected = { repositories: ['r'], revisions: 2 };

/** Two jobs of one repository; the first lost its worker once. */
const sound: History = {
  jobs: [
    { number: 1, id: 'a', repository_id: 'r', revision: revisionAt(0), status: 'succeeded', attempt: 2 },
    { number: 2, id: 'b', repository_id: 'r', revision: revisionAt(1), status: 'failed', attempt: 1 },
  ],
  attempts: [
    { job_id: 'a', attempt: 1, outcome: 'lost' },
    { job_id: 'a', attempt: 2, outcome: 'succeeded' },
    { job_id: 'b', attempt: 1, outcome: 'failed' },
  ],
  builds: [{ job_id: 'a', attempt: 2 }],
  events: [
    ['job.queued', 'a', null],
    ['job.queued', 'b', null],
    ['job.started', 'a', 1],
    ['job.step_started', 'a', 1],
    ['job.requeued', 'a', 1],
    ['job.started', 'a', 2],
    ['build.stored', 'a', null],
    ['job.finished', 'a', 2],
    ['job.started', 'b', 1],
    ['job.finished', 'b', 1],
  ].map(([type, jobId, attempt], index) => ({
    cursor: index + 1,
    type: String(type),
    job_id: String(jobId),
    attempt: typeof attempt === 'number' ? attempt : null,
  })),
  sideLog: [
    { what: 'began', jobId: 'a', attempt: 1 },
    { what: 'began', jobId: 'a', attempt: 2 },
    { what: 'ended', jobId: 'a', attempt: 2 },
    { what: 'published', jobId: 'a', attempt: 2 },
    { what: 'began', jobId: 'b', attempt: 1 },
  ],
  acknowledged: ['r 0', 'r 1'],
  openSteps: 0,
  openWorkers: 0,
  integrity: 'ok',
  brokenForeignKeys: 0,
};

const event = (type: string, jobId: string, attempt: number) => ({ cursor: 0, type, job_id: jobId, attempt });
const [first, second] = sound.jobs;
if (!first || !second) throw new Error('the sound history has two jobs');
/** The events with one more after the first `count`. */
const withEvent = (count: number, type: string, jobId: string, attempt: number) =>
  sound.events.toSpliced(count, 0, event(type, jobId, attempt));

it('finds nothing in a sound history', () => {
  expect(checkHistory(sound, expected)).toEqual([]);
});

it.each<[string, Promised, Partial<History>]>([
  ['a revision without a job', 'nothing lost', { jobs: [first] }],
  ['an acknowledged revision without a job', 'nothing lost', { acknowledged: ['r 0', 'r 7'] }],
  ['a revision with two jobs', 'nothing lost', { jobs: [...sound.jobs, { ...second, number: 3, id: 'c' }] }],
  ['a job that is still queued', 'nothing lost', { jobs: [first, { ...second, status: 'queued' }] }],
  ['an end without an event', 'nothing lost', { events: sound.events.slice(0, -1) }],
  ['a job that ended twice', 'nothing finished twice', { events: withEvent(8, 'job.finished', 'a', 2) }],
  ['an attempt that nobody knows', 'nothing finished twice', { attempts: sound.attempts.slice(1) }],
  [
    'a run after success',
    'nothing finished twice',
    { attempts: sound.attempts.map(row => ({ ...row, outcome: 'succeeded' })) },
  ],
  [
    'an attempt that still runs',
    'nothing finished twice',
    { attempts: sound.attempts.map(row => (row.job_id === 'b' ? { ...row, outcome: 'running' } : row)) },
  ],
  ['an attempt that was claimed twice', 'nothing finished twice', { events: withEvent(6, 'job.started', 'a', 2) }],
  ['two builds of a job', 'nothing published twice', { builds: [...sound.builds, { job_id: 'a', attempt: 1 }] }],
  ['a success without a build', 'nothing published twice', { builds: [] }],
  ['a build of a failure', 'nothing published twice', { builds: [...sound.builds, { job_id: 'b', attempt: 1 }] }],
  [
    'a marker of another attempt',
    'nothing published twice',
    { sideLog: [...sound.sideLog, { what: 'published', jobId: 'a', attempt: 1 }] },
  ],
  ['two events of one build', 'nothing published twice', { events: withEvent(7, 'build.stored', 'a', 2) }],
  ['a later job that began first', 'first in, first out', { events: withEvent(2, 'job.started', 'b', 1) }],
  ['a job that began beside another', 'first in, first out', { events: withEvent(6, 'job.started', 'b', 1) }],
  [
    'processes in another order than their jobs',
    'first in, first out',
    { sideLog: [...sound.sideLog, { what: 'ended', jobId: 'a', attempt: 2 }] },
  ],
  [
    'a write of a fenced attempt',
    'fenced attempts wrote nothing',
    { events: withEvent(6, 'job.step_finished', 'a', 1) },
  ],
  [
    'a process of a fenced attempt',
    'fenced attempts wrote nothing',
    { sideLog: sound.sideLog.toSpliced(2, 0, { what: 'ended', jobId: 'a', attempt: 1 }) },
  ],
  [
    'a success whose step did not end',
    'fenced attempts wrote nothing',
    { sideLog: sound.sideLog.filter(entry => entry.what !== 'ended') },
  ],
  ['a damaged file', 'the file is whole', { integrity: 'wrong # of entries in index jobs_queued' }],
  ['a broken foreign key', 'the file is whole', { brokenForeignKeys: 1 }],
  ['a step without an end', 'the file is whole', { openSteps: 1 }],
  ['a worker without an end', 'the file is whole', { openWorkers: 1 }],
])('finds %s', (_, promise, change) => {
  expect(checkHistory({ ...sound, ...change }, expected).map(violation => violation.promise)).toContain(promise);
});
