/** Owns which packs are kept, and why each: a pure rule over what the database says. No I/O. */
import { type PastRelease, rollbackBuilds } from './release-history.ts';

export interface PackFact {
  readonly digest: string;
  readonly artifactId: string;
  readonly kind: 'full' | 'delta';
  readonly baseArtifactId: string | null;
  readonly storedAt: number;
}

export interface BuildFact {
  readonly id: string;
  readonly repositoryId: string;
  readonly jobNumber: number;
  readonly attempt: number;
  readonly packDigest: string;
  readonly artifactId: string;
  readonly pinnedAt: number | null;
}

export interface ReleaseFact extends PastRelease {
  readonly id: string;
  readonly channelId: string;
  readonly createdAt: number;
}

export interface ChannelFact {
  readonly id: string;
  readonly name: string;
  readonly repositoryId: string;
  readonly currentReleaseId: string | null;
}

export interface MachineFact {
  readonly name: string;
  readonly channelId: string;
  /** What runs on it. */
  readonly artifactId: string | null;
  /** The serial that it runs or switches to. */
  readonly targetSerial: number | null;
}

/** Only packs that are kept so far, and their builds. */
export interface RetentionFacts {
  readonly packs: readonly PackFact[];
  readonly builds: readonly BuildFact[];
  readonly channels: readonly ChannelFact[];
  /** Of these channels, newest first. */
  readonly releases: readonly ReleaseFact[];
  readonly machines: readonly MachineFact[];
  /** How many of its newest builds each repository keeps; one that is not here was removed, and keeps none for being new. */
  readonly keptBuilds: ReadonlyMap<string, number>;
  /** Digests of packs that are being copied to a region. */
  readonly copying: ReadonlySet<string>;
  /** Artifacts that a running job or a release under way needs. */
  readonly heldArtifacts: ReadonlySet<string>;
  readonly now: number;
}

export interface RetentionRule {
  /** How many builds a channel can go back to. */
  readonly rollbacks: number;
  /** How long a pack stays after a channel ran it, for machines that are still fetching it; and after it was stored. Milliseconds. */
  readonly graceMs: number;
}

export type KeepKind = 'channel' | 'machine' | 'person' | 'rollback' | 'use' | 'newest' | 'recent' | 'delta';

/** Why a pack is kept. */
export interface KeepReason {
  readonly kind: KeepKind;
  /** In words: `production runs it`. */
  readonly text: string;
}

/** Reasons that no setting takes away; the others say how much is kept beyond. */
const pinning: ReadonlySet<KeepKind> = new Set(['channel', 'machine', 'person', 'rollback', 'use']);

export function isPinned(reasons: readonly KeepReason[]): boolean {
  return reasons.some(reason => pinning.has(reason.kind));
}

/** The reasons to keep each pack, by digest; none: it may be reclaimed. */
export function keepReasons(facts: RetentionFacts, rule: RetentionRule): ReadonlyMap<string, readonly KeepReason[]> {
  const reasons = new Map<string, KeepReason[]>(facts.packs.map(pack => [pack.digest, []]));
  const keep = (digest: string | undefined, kind: KeepKind, text: string) => {
    const known = digest === undefined ? undefined : reasons.get(digest);
    if (known && !known.some(reason => reason.text === text)) known.push({ kind, text });
  };
  const builds = new Map(facts.builds.map(build => [build.id, build]));
  const pointed = keepForChannels(facts, rule, (buildId, kind, text) =>
    keep(builds.get(buildId)?.packDigest, kind, text),
  );
  const fullPacks = facts.packs.filter(pack => pack.kind === 'full');
  for (const machine of facts.machines) {
    for (const pack of fullPacks)
      if (pack.artifactId === machine.artifactId) keep(pack.digest, 'machine', `${machine.name} runs it`);
  }
  for (const build of facts.builds) if (build.pinnedAt !== null) keep(build.packDigest, 'person', 'pinned by a person');
  for (const [repositoryId, count] of facts.keptBuilds) {
    for (const build of newestBuilds(facts.builds, repositoryId).slice(0, count))
      keep(build.packDigest, 'newest', count === 1 ? 'the newest build' : `among the newest ${count} builds`);
  }
  for (const pack of facts.packs) {
    if (facts.copying.has(pack.digest)) keep(pack.digest, 'use', 'being copied to a region');
    if (facts.heldArtifacts.has(pack.artifactId)) keep(pack.digest, 'use', 'a running job or release needs it');
    if (facts.now - pack.storedAt < rule.graceMs) keep(pack.digest, 'recent', 'stored a short time ago');
  }
  keepDeltas(facts, pointed, reasons, keep);
  return reasons;
}

/** Newest revision first: jobs are numbered as their revisions come. */
function newestBuilds(builds: readonly BuildFact[], repositoryId: string): BuildFact[] {
  return builds
    .filter(build => build.repositoryId === repositoryId)
    .sort((a, b) => b.jobNumber - a.jobNumber || b.attempt - a.attempt);
}

/** Returns the builds that pointers name, or named within the grace period, or that a machine was told to switch to. */
function keepForChannels(
  facts: RetentionFacts,
  rule: RetentionRule,
  keep: (buildId: string, kind: KeepKind, text: string) => void,
): ReadonlySet<string> {
  const pointed = new Set<string>();
  for (const channel of facts.channels) {
    const releases = facts.releases.filter(release => release.channelId === channel.id);
    const current = releases.find(release => release.id === channel.currentReleaseId);
    if (current) {
      keep(current.buildId, 'channel', `${channel.name} runs it`);
      pointed.add(current.buildId);
      for (const buildId of rollbackBuilds(current, releases, rule.rollbacks))
        keep(buildId, 'rollback', `${channel.name} can go back to it`);
    }
    releases.forEach((release, index) => {
      const replacedAt = releases[index - 1]?.createdAt;
      if (replacedAt === undefined || facts.now - replacedAt >= rule.graceMs) return;
      keep(release.buildId, 'recent', `${channel.name} ran it a short time ago`);
      pointed.add(release.buildId);
    });
    for (const machine of facts.machines.filter(({ channelId }) => channelId === channel.id)) {
      const target = releases.find(release => release.serial === machine.targetSerial);
      if (!target) continue;
      keep(target.buildId, 'machine', `${machine.name} was told to run it`);
      pointed.add(target.buildId);
    }
  }
  return pointed;
}

/**
 * A delta leads from what runs somewhere to a build that is kept. Without a pointer that names it, or a place that runs its base, it
 * serves nobody: a channel that goes back finds the full pack.
 */
function keepDeltas(
  { packs, builds, channels, releases, machines }: RetentionFacts,
  pointed: ReadonlySet<string>,
  reasons: ReadonlyMap<string, readonly KeepReason[]>,
  keep: (digest: string, kind: KeepKind, text: string) => void,
): void {
  const pointedArtifacts = new Set(builds.filter(build => pointed.has(build.id)).map(build => build.artifactId));
  const currentIds = new Set(channels.map(channel => channel.currentReleaseId));
  const currentBuilds = new Set(releases.filter(release => currentIds.has(release.id)).map(release => release.buildId));
  const running = new Set<string | null>([
    ...builds.filter(build => currentBuilds.has(build.id)).map(build => build.artifactId),
    ...machines.map(machine => machine.artifactId),
  ]);
  const keptArtifacts = new Set(
    packs
      .filter(pack => pack.kind === 'full' && (reasons.get(pack.digest)?.length ?? 0) > 0)
      .map(pack => pack.artifactId),
  );
  for (const pack of packs) {
    if (pack.kind !== 'delta') continue;
    if (pointedArtifacts.has(pack.artifactId)) keep(pack.digest, 'channel', 'a pointer names it');
    else if (keptArtifacts.has(pack.artifactId) && pack.baseArtifactId !== null && running.has(pack.baseArtifactId))
      keep(pack.digest, 'delta', 'leads from what runs to a build that is kept');
  }
}
