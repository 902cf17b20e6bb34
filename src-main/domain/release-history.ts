/** Owns what a channel's releases mean in their order: which ran the same, and what going back leads to. No I/O. */

export interface PastRelease {
  readonly serial: number;
  readonly kind: 'auto' | 'promote' | 'rollback';
  readonly buildId: string;
  /** Of the channel's values; null for a release without any. */
  readonly environmentVersion: number | null;
}

/** Whether two releases run the same: the same build with the same values. */
export function runsAs(one: PastRelease, other: PastRelease): boolean {
  return one.buildId === other.buildId && one.environmentVersion === other.environmentVersion;
}

/** The release that a rollback returned to, however many led there; any other is itself. `releases` are newest first. */
function originOf<Release extends PastRelease>(release: Release, releases: readonly Release[]): Release {
  let standsFor = release;
  while (standsFor.kind === 'rollback') {
    const back = standsFor;
    const original = releases.find(earlier => earlier.serial < back.serial && runsAs(earlier, back));
    if (!original) break;
    standsFor = original;
  }
  return standsFor;
}

/**
 * The release before `current` among `releases`, newest first: what a person means by going back. A rollback stands for the
 * release that it returned to, so that a second one goes further back, and never to what the first one fled from.
 */
export function releaseBefore<Release extends PastRelease>(
  current: Release,
  releases: readonly Release[],
): Release | null {
  const { serial } = originOf(current, releases);
  return releases.find(release => release.serial < serial && !runsAs(release, current)) ?? null;
}

/**
 * The builds that a channel may go back to, besides the one that it runs: the last `count` that it ran, and the last `count` that it ran
 * before the one that it runs now. After a rollback these are others: a row of bad releases never pushes the good one out.
 */
export function rollbackBuilds<Release extends PastRelease>(
  current: Release,
  releases: readonly Release[],
  count: number,
): ReadonlySet<string> {
  const { serial } = originOf(current, releases);
  const chosen = new Set<string>();
  const before = releases.filter(release => release.serial < serial);
  for (const past of [releases, before]) {
    const builds = new Set(past.map(release => release.buildId).filter(buildId => buildId !== current.buildId));
    for (const buildId of [...builds].slice(0, count)) chosen.add(buildId);
  }
  return chosen;
}
