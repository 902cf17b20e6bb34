import { describe, expect, it } from 'vitest';
import type { EngineEvent, EventType } from '../../../src-main/contract/events.ts';
import { createAlertRules } from '../../../src-main/domain/alerts.ts';

let cursor = 0;
const event = (type: EventType, data: EngineEvent['data'] = {}, repositoryId = 'r1'): EngineEvent => ({
  cursor: ++cursor,
  atMs: 0,
  type,
  repositoryId,
  jobId: type === 'job.finished' || type === 'worker.lost' ? 'j1' : null,
  subjectId: 'm1',
  data,
});

describe('news', () => {
  it('is the first failure and the recovery of each repository, each once', () => {
    const rules = createAlertRules();
    const told = (status: string, of = 'r1') => rules.newsOf(event('job.finished', { status }, of))?.what ?? null;
    expect(['failed', 'failed', 'cancelled', 'succeeded', 'succeeded', 'failed'].map(one => told(one))).toEqual([
      'the build failed',
      null,
      null,
      'builds again',
      null,
      'the build failed',
    ]);
    expect(told('failed', 'r2')).toBe('the build failed');
  });

  it('leads to the first error of the job', () => {
    const news = createAlertRules().newsOf(event('job.finished', { status: 'failed' }));
    expect(news).toMatchObject({ kind: 'failed', hash: '#/jobs/j1', thenRun: 'log.firstError' });
  });

  it('is nothing of what failed before the start, but its recovery', () => {
    const rules = createAlertRules({ builds: ['r1'], polls: ['r2'] });
    expect(rules.newsOf(event('job.finished', { status: 'failed' }))).toBeNull();
    expect(rules.newsOf(event('job.finished', { status: 'failed' }, 'r2'))).not.toBeNull();
    expect(rules.newsOf(event('job.finished', { status: 'succeeded' }))).toMatchObject({ kind: 'recovered' });
    expect(rules.newsOf(event('poll.failed', {}, 'r2'))).toBeNull();
    expect(rules.newsOf(event('poll.recovered', {}, 'r2'))).toMatchObject({ kind: 'recovered' });
  });

  it('is of sources and machines likewise', () => {
    const rules = createAlertRules();
    const types: EventType[] = ['poll.failed', 'poll.failed', 'poll.recovered', 'machine.failed', 'machine.switched'];
    const data = { name: 'web-1', serial: 7, channel: 'production' };
    expect(types.map(type => rules.newsOf(event(type, data))?.what ?? null)).toEqual([
      'its source cannot be read',
      null,
      'its source can be read again',
      'web-1 could not run a release',
      'web-1 runs a release again',
    ]);
  });

  it.each([
    ['job.finished', { status: 'interrupted' }, 'attention', 'a build needs you'],
    ['release.migration', { state: 'interrupted' }, 'attention', 'a migration needs you'],
    ['release.migration', { state: 'failed' }, 'attention', 'a migration needs you'],
    ['release.rollout', { state: 'stopped' }, 'attention', 'a rollout needs you'],
    ['release.created', { serial: 7, channel: 'production' }, 'deployed', 'release 7 on production'],
    ['worker.lost', { status: 'queued' }, 'failed', 'a worker was lost'],
    ['swarm.lost', { again: false }, 'failed', 'the seeding process was lost'],
  ] as const)('of %s %o is %s', (type, data, kind, what) => {
    expect(createAlertRules().newsOf(event(type, data))).toMatchObject({ kind, what });
  });

  it.each([
    ['job.queued', {}],
    ['job.started', {}],
    ['build.stored', {}],
    ['replica.verified', {}],
    ['release.migration', { state: 'running' }],
    ['release.rollout', { state: 'running' }],
    ['machine.switched', {}],
    ['alert.raised', {}],
    ['swarm.lost', { again: true }],
  ] as const)('of %s %o there is none', (type, data) => {
    expect(createAlertRules().newsOf(event(type, data))).toBeNull();
  });
});
