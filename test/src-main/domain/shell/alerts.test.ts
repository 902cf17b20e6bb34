import { describe, expect, it } from 'vitest';
import type { EngineEvent, EventType } from '../../../../src-main/contract/events.ts';
import { createAlertRules } from '../../../../src-main/domain/shell/alerts.ts';
import { quitQuestion } from '../../../../src-main/domain/shell/quit-words.ts';

let cursor = 0;
const event = (type: EventType, data: EngineEvent['data'] = {}, subject = 'r1'): EngineEvent => ({
  cursor: ++cursor,
  atMs: 0,
  type,
  repositoryId: subject,
  jobId: type === 'job.finished' ? 'j1' : null,
  subjectId: 'm1',
  data,
});
const nameOf = () => 'web';

describe('alerts', () => {
  it('tell of the first failure and of the recovery, each once', () => {
    const rules = createAlertRules();
    const told = (status: string) => rules.alertOf(event('job.finished', { status }), nameOf)?.title ?? null;
    expect(['failed', 'failed', 'cancelled', 'succeeded', 'succeeded', 'failed'].map(told)).toEqual([
      'web: the build failed',
      null,
      null,
      'web: builds again',
      null,
      'web: the build failed',
    ]);
  });

  it('lead to the first error of the job', () => {
    const alert = createAlertRules().alertOf(event('job.finished', { status: 'failed' }), nameOf);
    expect(alert).toMatchObject({ hash: '#/jobs/j1', thenRun: 'log.firstError' });
  });

  it('say nothing of what failed before the start, but of its recovery', () => {
    const rules = createAlertRules(['r1']);
    expect(rules.alertOf(event('job.finished', { status: 'failed' }), nameOf)).toBeNull();
    expect(rules.alertOf(event('job.finished', { status: 'failed' }, 'r2'), nameOf)).not.toBeNull();
    expect(rules.alertOf(event('job.finished', { status: 'succeeded' }), nameOf)?.title).toBe('web: builds again');
  });

  it('tell of sources and machines likewise, and of nothing in good order', () => {
    const rules = createAlertRules();
    const types: EventType[] = ['poll.failed', 'poll.failed', 'poll.recovered', 'machine.failed', 'machine.switched'];
    expect(types.map(type => rules.alertOf(event(type, { name: 'web-1' }), nameOf)?.title ?? null)).toEqual([
      'web cannot be read',
      null,
      'web can be read again',
      'web-1 could not run a release',
      'web-1 runs a release again',
    ]);
    const quiet: EventType[] = ['job.queued', 'job.started', 'build.stored', 'replica.verified', 'release.created'];
    expect(quiet.map(type => rules.alertOf(event(type), nameOf))).toEqual(quiet.map(() => null));
  });

  it('tell of the first loss of a seeding process that cannot stay', () => {
    const rules = createAlertRules();
    const told = [false, true, true].map(again => rules.alertOf(event('swarm.lost', { again }), nameOf)?.hash ?? null);
    expect(told).toEqual(['#/swarm', null, null]);
  });
});

describe('quitQuestion', () => {
  const build = { number: 7, repositoryName: 'web' };

  it('asks nothing where nothing would stop', () => {
    expect(quitQuestion({ builds: [], uploadBytesPerSecond: 0 })).toBeNull();
  });

  it('names builds and seeds, and what becomes of them', () => {
    const asked = quitQuestion({ builds: [build], uploadBytesPerSecond: 5 });
    expect(asked?.message).toBe('Quitting stops a build and seeding to machines.');
    expect(asked?.detail).toContain('web, job 7');
    const many = quitQuestion({ builds: Array.from({ length: 8 }, () => build), uploadBytesPerSecond: 0 });
    expect(many?.message).toBe('Quitting stops 8 builds.');
    expect(many?.detail).toContain('and 3 more');
  });
});
