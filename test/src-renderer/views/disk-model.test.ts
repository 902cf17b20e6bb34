import { expect, it } from 'vitest';
import type { ReclaimPlan, ReclaimResult } from '../../../src-main/contract/disk.ts';
import { DomainError } from '../../../src-main/contract/errors.ts';
import {
  hasWork,
  kindsBySize,
  packWords,
  resultWords,
  roomOf,
} from '../../../src-renderer/views/settings/disk-model.ts';

const gib = 2 ** 30;

it('says whether builds have room', () => {
  const room = (freeBytes: number | null) => roomOf({ freeBytes, totalBytes: 100 * gib, keepFreeBytes: gib })?.state;
  expect([null, gib - 1, gib, 5 * gib].map(room)).toEqual([undefined, 'failed', 'stale', 'verified']);
});

it('lists what takes something, the largest first', () => {
  const kinds = [
    { kind: 'packs', sizeBytes: 5 },
    { kind: 'work', sizeBytes: 0 },
    { kind: 'logs', sizeBytes: 9 },
  ] as const;
  expect(kindsBySize({ kinds: [...kinds] }).map(({ kind }) => kind)).toEqual(['logs', 'packs']);
});

it('tells a plan with nothing to do from one that only has to finish', () => {
  const nothing: ReclaimPlan = { reclaim: [], kept: [], logs: { jobs: 0, sizeBytes: 0 }, waiting: [], sizeBytes: 0 };
  expect(hasWork(nothing)).toBe(false);
  expect(hasWork({ ...nothing, waiting: [{ name: 'Frankfurt', packs: 1, sizeBytes: 1 }] })).toBe(true);
});

it('names a pack by its build, and what is left for later by its store', () => {
  const pack = { digest: 'd', artifactId: 'a', kind: 'delta', sizeBytes: 2048, repositoryName: 'timetable' } as const;
  expect(packWords({ ...pack, revision: '9f3c2e1b00', jobNumber: 12 })).toBe('timetable #12 9f3c2e1 delta, 2.00 KiB');
  const store = { name: 'Here', isMain: true, packs: 1, sizeBytes: 2048, stillNamed: 0, error: null };
  const error = new DomainError('store.unreachable', 'It does not answer.').toView();
  const result: ReclaimResult = {
    packs: 1,
    stores: [
      store,
      { ...store, name: 'Far', isMain: false, error },
      { ...store, name: 'Slow', isMain: false, stillNamed: 2 },
    ],
    logs: { jobs: 0, sizeBytes: 0 },
    workFolders: 0,
    sizeBytes: 2048,
  };
  expect(resultWords(result)).toEqual([
    '2.00 KiB reclaimed on this machine.',
    'Far: done later. It does not answer.',
    'Slow: 2 packs still named there',
  ]);
});
