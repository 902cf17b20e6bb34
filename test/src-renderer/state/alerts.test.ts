import { expect, it } from 'vitest';
import type { EngineEvent, EventType } from '../../../src-main/contract/events.ts';
import { alertOf } from '../../../src-renderer/state/alerts.ts';

const alert = { kind: 'failed', title: 'web: the build failed', body: 'exit code 1', hash: '#/jobs/j', thenRun: null };

const pushed = (type: EventType, data: EngineEvent['data'], repositoryId: string | null = 'r') =>
  alertOf({ kind: 'event', event: { cursor: 1, atMs: 1, type, repositoryId, jobId: null, subjectId: null, data } });

it('reads what the engine raised, one place for each repository', () => {
  expect(pushed('alert.raised', alert)).toEqual({ alert, tag: 'slipway-r' });
  expect(pushed('alert.raised', alert, null)?.tag).toBe('slipway-engine');
});

it('is silent of all else, and of what leads out of the interface', () => {
  expect(pushed('job.finished', { status: 'failed' })).toBeNull();
  expect(pushed('alert.raised', { ...alert, hash: 'https://elsewhere.example' })).toBeNull();
  expect(alertOf({ kind: 'pulse', topic: 'status', subjectId: null })).toBeNull();
});
