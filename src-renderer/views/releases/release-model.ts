/** Owns what a promote or rollback can lead to, and when its button may be pressed. Knows no component. */
import type { BuildView } from '../../../src-main/contract/views/build.ts';
import type { Preflight, ReleaseView } from '../../../src-main/contract/views/release.ts';
import type { VisualState } from '../../../src-main/contract/views/state.ts';
import { shortSha } from '../../ui/format.ts';
import type { SelectOption } from '../../ui/select.tsx';

export type ReleaseKind = 'promote' | 'rollback';

/** Builds that can be promoted, newest first, and whose pack is kept; the one that the channel runs only where its environment would change. */
export function promotable(
  builds: readonly BuildView[],
  releases: readonly ReleaseView[],
  environmentChanges: boolean,
): readonly BuildView[] {
  const current = releases.find(release => release.current);
  return builds
    .filter(build => build.reclaimedAtMs === null)
    .filter(build => environmentChanges || build.id !== current?.buildId);
}

/** What a release runs: its build with its environment. */
const contentOf = ({ buildId, environmentVersion }: ReleaseView) => `${buildId} ${environmentVersion}`;

/** Releases that can be gone back to, newest first: older than the current one, their pack kept, each build with each environment once. */
export function rollbackTargets(releases: readonly ReleaseView[]): readonly ReleaseView[] {
  const current = releases.find(release => release.current);
  const seen = new Set<string>(current ? [contentOf(current)] : []);
  return [...releases]
    .sort((left, right) => right.serial - left.serial)
    .filter(release => {
      if (release.reclaimedAtMs !== null || (current && release.serial >= current.serial)) return false;
      if (seen.has(contentOf(release))) return false;
      seen.add(contentOf(release));
      return true;
    });
}

/** The choices of a promote, by build. */
export function buildOptions(builds: readonly BuildView[]): readonly SelectOption<string>[] {
  return builds.map(build => ({
    value: build.id,
    label: shortSha(build.revision.revision),
    detail: build.revision.subject,
  }));
}

/** The choices of a rollback, by serial. */
export function releaseOptions(releases: readonly ReleaseView[]): readonly SelectOption<string>[] {
  return releases.map(release => ({
    value: String(release.serial),
    label: String(release.serial),
    detail: `${shortSha(release.revision.revision)}  ${release.revision.subject}${release.environmentVersion === null ? '' : ` · environment ${release.environmentVersion}`}`,
  }));
}

export function checkState(state: Preflight['checks'][number]['state']): VisualState {
  switch (state) {
    case 'ok':
      return 'verified';
    case 'warning':
      return 'stale';
    case 'blocked':
      return 'failed';
  }
}

/** What follows where a release does not wait for the copies of regions. */
export function forceHint(unverifiedRegions: number): string {
  const regions = unverifiedRegions === 1 ? 'One region has' : `${unverifiedRegions} regions have`;
  return `${regions} no verified copy yet: machines there fetch from elsewhere until it is there. Needs a reason.`;
}

/** Why the button is off, in words; null when it may be pressed. */
export function heldBack(preflight: Preflight | undefined, lacksReason = false): string | null {
  if (!preflight) return 'checking';
  if (lacksReason) return 'a reason is needed';
  const blocked = preflight.checks.filter(check => check.state === 'blocked').length;
  if (blocked === 0) return null;
  return blocked === 1 ? 'one check stands against it' : `${blocked} checks stand against it`;
}
