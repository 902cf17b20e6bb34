/** Tests what a promote or rollback can lead to, and when it is held back. */
import { describe, expect, it } from 'vitest';
import type { Preflight } from '../../../src-main/contract/views/release.ts';
import { heldBack, promotable, rollbackTargets } from '../../../src-renderer/views/releases/release-model.ts';
import { buildFixture, fixtureId, releaseFixture } from '../../support/view-fixtures.ts';

function preflight(...states: Preflight['checks'][number]['state'][]): Preflight {
  const revision = { revision: 'a', subject: '', authorName: '', committedAtMs: null };
  return {
    channel: 'production',
    from: null,
    to: { buildId: fixtureId(), revision, releasedAsSerial: null },
    unverifiedRegions: 0,
    nextSerial: 1,
    checks: states.map(state => ({ state, title: state, detail: '' })),
  };
}

describe('what can be released', () => {
  it('promotes any build but the one that runs', () => {
    const builds = [buildFixture(), buildFixture()];
    const current = releaseFixture({ buildId: builds[0]?.id, current: true });
    expect(promotable(builds, [current], false)).toEqual([builds[1]]);
    expect(promotable(builds, [], false)).toEqual(builds);
  });

  it('promotes the build that runs too where its environment changes', () => {
    const builds = [buildFixture(), buildFixture()];
    const current = releaseFixture({ buildId: builds[0]?.id, current: true });
    expect(promotable(builds, [current], true)).toEqual(builds);
  });

  it('rolls back to the same build with the environment that it had', () => {
    const buildId = fixtureId();
    const releases = [
      releaseFixture({ serial: 1, buildId, environmentVersion: 1 }),
      releaseFixture({ serial: 2, buildId, environmentVersion: 2, current: true }),
    ];
    expect(rollbackTargets(releases).map(release => release.serial)).toEqual([1]);
  });

  it('rolls back to older releases, newest first, each build once and never to what runs', () => {
    const [first, second] = [fixtureId(), fixtureId()];
    const releases = [
      releaseFixture({ serial: 1, buildId: first }),
      releaseFixture({ serial: 2, buildId: second }),
      releaseFixture({ serial: 3, buildId: first }),
      releaseFixture({ serial: 4, buildId: second, current: true }),
    ];
    expect(rollbackTargets(releases).map(release => release.serial)).toEqual([3]);
  });

  it('holds back until checked, and while a check is blocked; a warning does not', () => {
    expect(heldBack(undefined)).toBe('checking');
    expect(heldBack(preflight('ok', 'warning'))).toBeNull();
    expect(heldBack(preflight('ok'), true)).toBe('a reason is needed');
    expect(heldBack(preflight('ok', 'blocked'))).toBe('one check stands against it');
    expect(heldBack(preflight('blocked', 'blocked'))).toBe('2 checks stand against it');
  });
});
