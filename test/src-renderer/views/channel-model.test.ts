/** What a person edits of a channel. */
import { describe, expect, it } from 'vitest';
import type { RolloutWay } from '../../../src-main/contract/rollout.ts';
import { draftOf, draftProblems, freezeOf, rolloutOf } from '../../../src-renderer/views/repositories/channel-model.ts';
import { channelFixture } from '../../support/view-fixtures.ts';

describe('a channel’s draft', () => {
  it.each<RolloutWay>([
    { kind: 'one-by-one' },
    { kind: 'regions' },
    { kind: 'percent', steps: [10, 50] },
    { kind: 'canary', machines: 3 },
  ])('gives back what it was made of: $kind', way => {
    const rollout = { way, waitMs: 600_000, stopsAtFailure: false };
    const draft = draftOf(channelFixture({ rollout, policy: 'auto' }));
    expect(draftProblems(draft, [])).toEqual({});
    expect(rolloutOf(draft)).toEqual(rollout);
    expect(draft.auto).toBe(true);
  });

  it('of a new channel is manual, all at once, and needs a name of its own', () => {
    const draft = draftOf(null);
    expect(rolloutOf(draft)).toBeNull();
    expect(draftProblems(draft, [])).toHaveProperty('name');
    expect(draftProblems({ ...draft, name: 'Staging' }, [])).toHaveProperty('name');
    expect(draftProblems({ ...draft, name: 'staging' }, ['staging'])).toHaveProperty('name');
    expect(draftProblems({ ...draft, name: 'staging' }, ['production'])).toEqual({});
  });

  it.each([
    { way: 'percent', steps: '50, 10' },
    { way: 'percent', steps: '' },
    { way: 'percent', steps: '0' },
    { way: 'percent', steps: '101' },
    { way: 'percent', steps: 'ten' },
    { way: 'canary', machines: '0' },
    { way: 'canary', machines: '1.5' },
    { way: 'regions', waitMinutes: '-1' },
    { way: 'regions', waitMinutes: '10081' },
    { frozen: true, reason: ' ' },
  ] as const)('refuses %j', part => {
    expect(Object.keys(draftProblems({ ...draftOf(channelFixture()), ...part }, []))).toHaveLength(1);
  });

  it('says nothing of fields that do not count', () => {
    expect(draftProblems({ ...draftOf(channelFixture()), steps: 'x', machines: 'x', waitMinutes: 'x' }, [])).toEqual(
      {},
    );
  });

  it('freezes, unfreezes, or leaves that as it is', () => {
    const free = channelFixture();
    const frozen = channelFixture({ frozenReason: 'audit' });
    expect(freezeOf({ ...draftOf(free), frozen: true, reason: ' audit ' }, free)).toBe('audit');
    expect(freezeOf({ ...draftOf(frozen), frozen: false }, frozen)).toBeNull();
    expect(freezeOf(draftOf(frozen), frozen)).toBeUndefined();
    expect(freezeOf(draftOf(free), free)).toBeUndefined();
  });
});
