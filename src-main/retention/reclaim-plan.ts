/** Owns what would be reclaimed and why the rest is kept: the rule applied to the database, and put into words. */
import type { ReclaimPlan } from '../contract/disk.ts';
import { settingsOf } from '../contract/settings.ts';
import type { Db } from '../database/open-database.ts';
import { inParts, listRemovals, readRetentionFacts } from '../database/retention.ts';
import { readAllSettings } from '../database/settings.ts';
import { type LogFact, type LogRule, logsToReclaim } from '../domain/log-retention.ts';
import {
  isPinned,
  type KeepReason,
  keepReasons,
  type RetentionFacts,
  type RetentionRule,
} from '../domain/retention.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
/** Who looks into what broke needs the jobs before it. */
const alwaysKeptLogs = 10;

export interface Rules {
  readonly keptBuilds: number;
  readonly packs: RetentionRule;
  readonly logs: LogRule;
}

export async function readRules(db: Db): Promise<Rules> {
  const settings = settingsOf(await readAllSettings(db));
  return {
    keptBuilds: settings['retention.builds'],
    packs: {
      rollbacks: settings['retention.rollbacks'],
      graceMs: settings['retention.graceMinutes'] * minuteMs,
    },
    logs: {
      alwaysKeptJobs: alwaysKeptLogs,
      maximumJobs: settings['retention.logJobs'],
      maximumAgeMs: settings['retention.logDays'] * dayMs,
      maximumBytes: settings['retention.logBytes'],
    },
  };
}

export interface Decision {
  readonly facts: RetentionFacts;
  /** By digest; none: it may be reclaimed. */
  readonly reasons: ReadonlyMap<string, readonly KeepReason[]>;
}

/** Applies the rule to what is kept now. `named` are packs that pointers of the main store name. */
export async function decide(db: Db, named: ReadonlySet<string>, now: number): Promise<Decision> {
  const rules = await readRules(db);
  const facts = await readRetentionFacts(db, rules.keptBuilds, now);
  const reasons = new Map(keepReasons(facts, rules.packs));
  for (const digest of named) {
    const known = reasons.get(digest);
    if (known?.length === 0) reasons.set(digest, [{ kind: 'channel', text: 'a pointer in the main store names it' }]);
  }
  return { facts, reasons };
}

/** Digests that no reason keeps. */
export function reclaimable({ reasons }: Decision): string[] {
  return [...reasons].filter(([, why]) => why.length === 0).map(([digest]) => digest);
}

type PackLine = ReclaimPlan['reclaim'][number];

/** A pack with its newest build; deltas have that of their artifact. */
export interface DescribedPack extends PackLine {
  readonly repositoryId: string | null;
}

export async function describePacks(db: Db, { facts }: Decision): Promise<ReadonlyMap<string, DescribedPack>> {
  const names = new Map(
    (await db.selectFrom('repositories').select(['id', 'name']).execute()).map(({ id, name }) => [id, name]),
  );
  const newest = new Map<string, (typeof facts.builds)[number]>();
  for (const build of facts.builds) {
    for (const key of [build.packDigest, build.artifactId]) {
      const known = newest.get(key);
      if (known === undefined || known.jobNumber < build.jobNumber) newest.set(key, build);
    }
  }
  const described = new Map<string, DescribedPack>();
  for (const part of inParts(facts.packs)) {
    const digests = part.map(({ digest }) => digest);
    const sizes = await db.selectFrom('packs').select(['digest', 'sizeBytes']).where('digest', 'in', digests).execute();
    const builds = part.map(pack => newest.get(pack.digest) ?? newest.get(pack.artifactId));
    const ids = builds.flatMap(build => (build ? [build.id] : []));
    const revisions = await db.selectFrom('builds').select(['id', 'revision']).where('id', 'in', ids).execute();
    const sizeOf = new Map(sizes.map(row => [row.digest, row.sizeBytes]));
    const revisionOf = new Map(revisions.map(row => [row.id, row.revision]));
    part.forEach((pack, index) => {
      const build = builds[index];
      described.set(pack.digest, {
        digest: pack.digest,
        artifactId: pack.artifactId,
        kind: pack.kind,
        sizeBytes: sizeOf.get(pack.digest) ?? 0,
        repositoryId: build?.repositoryId ?? null,
        repositoryName: (build && names.get(build.repositoryId)) ?? 'no repository',
        revision: (build && revisionOf.get(build.id)) ?? null,
        jobNumber: build?.jobNumber ?? null,
      });
    });
  }
  return described;
}

const newestFirst = (a: PackLine, b: PackLine) =>
  a.repositoryName.localeCompare(b.repositoryName) || (b.jobNumber ?? 0) - (a.jobNumber ?? 0);

function lineOf({ repositoryId: _repositoryId, ...line }: DescribedPack): PackLine {
  return line;
}

/** The plan in words, as a person sees it before anything is deleted. */
export async function planView(
  db: Db,
  decision: Decision,
  logs: readonly LogFact[],
  now: number,
): Promise<ReclaimPlan> {
  const described = await describePacks(db, decision);
  const reclaim: PackLine[] = [];
  const kept: ReclaimPlan['kept'] = [];
  for (const pack of described.values()) {
    const reasons = decision.reasons.get(pack.digest) ?? [];
    if (reasons.length === 0) reclaim.push(lineOf(pack));
    else kept.push({ ...lineOf(pack), pinned: isPinned(reasons), reasons: reasons.map(reason => reason.text) });
  }
  const goneLogs = logsToReclaim(logs, (await readRules(db)).logs, now);
  const sum = (all: readonly { readonly sizeBytes: number }[]) => all.reduce((total, one) => total + one.sizeBytes, 0);
  return {
    reclaim: reclaim.sort(newestFirst),
    kept: kept.sort(newestFirst),
    logs: { jobs: goneLogs.length, sizeBytes: sum(goneLogs) },
    waiting: await waitingByStore(db),
    sizeBytes: sum(reclaim) + sum(goneLogs),
  };
}

async function waitingByStore(db: Db): Promise<ReclaimPlan['waiting']> {
  const removals = await listRemovals(db);
  const regions = await db.selectFrom('regions').select(['id', 'name']).execute();
  return regions
    .map(({ id, name }) => {
      const own = removals.filter(removal => removal.regionId === id);
      return { name, packs: own.length, sizeBytes: own.reduce((total, one) => total + one.sizeBytes, 0) };
    })
    .filter(({ packs }) => packs > 0);
}
