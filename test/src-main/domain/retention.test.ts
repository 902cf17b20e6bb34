import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BuildFact,
  keepReasons,
  type PackFact,
  type ReleaseFact,
  type RetentionFacts,
} from '../../../src-main/domain/retention.ts';

const repositoryId = 'r';
const now = 1_000_000;
const graceMs = 1_000;

const pack = (digest: string, more: Partial<PackFact> = {}): PackFact => ({
  digest,
  artifactId: `of ${digest}`,
  kind: 'full',
  baseArtifactId: null,
  storedAt: 0,
  ...more,
});
const build = (jobNumber: number, packDigest: string, more: Partial<BuildFact> = {}): BuildFact => ({
  id: `b${jobNumber}`,
  repositoryId,
  jobNumber,
  attempt: 1,
  packDigest,
  artifactId: `of ${packDigest}`,
  pinnedAt: null,
  ...more,
});
const release = (serial: number, buildId: string, more: Partial<ReleaseFact> = {}): ReleaseFact => ({
  id: `s${serial}`,
  channelId: 'production',
  serial,
  kind: 'promote',
  buildId,
  environmentVersion: null,
  createdAt: serial,
  ...more,
});
const nothing: RetentionFacts = {
  packs: [],
  builds: [],
  channels: [],
  releases: [],
  machines: [],
  keptBuilds: new Map([[repositoryId, 1]]),
  copying: new Set(),
  heldArtifacts: new Set(),
  now,
};
const channelAt = (serial: number) => [
  { id: 'production', name: 'production', repositoryId, currentReleaseId: `s${serial}` },
];
const rule = { rollbacks: 1, graceMs };
const keptOf = (facts: RetentionFacts, by = rule) =>
  [...keepReasons(facts, by)].filter(([, why]) => why.length > 0).map(([digest]) => digest);

describe('the rule of retention', () => {
  it('keeps the good release however many bad ones followed it and were rolled back', () => {
    // 1 was good; 2, 3 and 4 were not; 5 went back to 1, and one more step back would be 0.
    const packs = ['p0', 'p1', 'p2', 'p3', 'p4'].map(digest => pack(digest));
    const builds = packs.map(({ digest }, index) => build(index, digest));
    const releases = [
      release(6, 'b1', { kind: 'rollback' }),
      release(5, 'b4'),
      release(4, 'b3'),
      release(3, 'b2'),
      release(2, 'b1'),
      release(1, 'b0'),
    ];
    const facts = { ...nothing, packs, builds, channels: channelAt(6), releases };
    // p4: the newest build, and the last that ran besides; p1 runs; p0 is where the next step back leads.
    expect(keptOf(facts)).toEqual(['p0', 'p1', 'p4']);
  });

  it('keeps a pack for machines that may still fetch it after its channel went on', () => {
    const packs = [pack('p1'), pack('p2'), pack('p3'), pack('p4')];
    const builds = packs.map(({ digest }, index) => build(index + 1, digest));
    const releases = [4, 3, 2, 1].map(serial => release(serial, `b${serial}`, { createdAt: now - 5_000 + serial }));
    const late = releases.map(one => (one.serial === 2 ? { ...one, createdAt: now - graceMs + 1 } : one));
    expect(keptOf({ ...nothing, packs, builds, channels: channelAt(4), releases })).toEqual(['p3', 'p4']);
    expect(keptOf({ ...nothing, packs, builds, channels: channelAt(4), releases: late })).toEqual(['p1', 'p3', 'p4']);
  });

  it('keeps deltas that a pointer names or that lead from what runs to what is kept, and no other', () => {
    const delta = (digest: string, from: string, to: string) =>
      pack(digest, { kind: 'delta', baseArtifactId: `of ${from}`, artifactId: `of ${to}` });
    const packs = [
      ...['p1', 'p2', 'p3'].map(digest => pack(digest)),
      delta('to current', 'p1', 'p2'),
      delta('from current', 'p2', 'p3'),
      delta('from nowhere', 'p1', 'p3'),
      delta('to what is gone', 'p2', 'p0'),
    ];
    const builds = ['p1', 'p2', 'p3'].map((digest, index) => build(index + 1, digest));
    const facts = { ...nothing, packs, builds, channels: channelAt(2), releases: [release(2, 'b2'), release(1, 'b1')] };
    expect(keptOf(facts)).toEqual(['p1', 'p2', 'p3', 'to current', 'from current']);
    const machine = { name: 'web-1', channelId: 'production', artifactId: 'of p1', targetSerial: 1 };
    expect(keptOf({ ...facts, machines: [machine] })).toContain('from nowhere');
  });

  it('keeps nothing for being new in a repository that was removed, and all that channels and machines run', () => {
    const packs = [pack('p1'), pack('p2'), pack('p3'), pack('p4')];
    const builds = packs.map(({ digest }, index) => build(index + 1, digest));
    const machine = { name: 'web-1', channelId: 'production', artifactId: 'of p1', targetSerial: null };
    const facts = { ...nothing, packs, builds, keptBuilds: new Map(), channels: channelAt(3), machines: [machine] };
    expect(keptOf({ ...facts, releases: [release(3, 'b3')] })).toEqual(['p1', 'p3']);
  });
});

describe('for random histories', () => {
  /** Each step is drawn as numbers; builds and releases that it names are taken modulo those that there are. */
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('build' as const), pack: fc.nat(30), repository: fc.nat(1) }),
    },
    {
      weight: 8,
      arbitrary: fc.record({ kind: fc.constant('release' as const), build: fc.nat(20), channel: fc.nat(1) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('rollback' as const), channel: fc.nat(1), back: fc.nat(6) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('report' as const),
        machine: fc.nat(3),
        build: fc.nat(20),
        target: fc.nat(9),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('pin' as const), build: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('copy' as const), build: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('hold' as const), build: fc.nat(20) }) },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(1_500) }) },
  );

  function world(steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[]): RetentionFacts {
    let at = 0;
    const builds: BuildFact[] = [];
    const packs = new Map<string, PackFact>();
    const releases: ReleaseFact[] = [];
    const machines = new Map<number, RetentionFacts['machines'][number]>();
    const [copying, heldArtifacts] = [new Set<string>(), new Set<string>()];
    const at0 = <Value>(all: readonly Value[], index: number) => all[index % Math.max(1, all.length)];
    for (const one of steps) {
      const named = 'build' in one ? at0(builds, one.build) : undefined;
      switch (one.kind) {
        case 'build': {
          const digest = `p${one.repository}-${one.pack}`;
          if (!packs.has(digest)) packs.set(digest, pack(digest, { storedAt: at }));
          builds.push(build(builds.length + 1, digest, { repositoryId: `r${one.repository}` }));
          break;
        }
        case 'release':
        case 'rollback': {
          const channelId = `c${one.channel}`;
          const own = releases.filter(past => past.channelId === channelId);
          const buildId = one.kind === 'release' ? named?.id : at0(own, one.back)?.buildId;
          if (buildId === undefined) break;
          const kind = one.kind === 'release' ? 'promote' : 'rollback';
          const serial = own.length + 1;
          releases.push(release(serial, buildId, { id: `${channelId}.${serial}`, channelId, kind, createdAt: at }));
          break;
        }
        case 'report':
          machines.set(one.machine, {
            name: `m${one.machine}`,
            channelId: `c${one.machine % 2}`,
            artifactId: named?.artifactId ?? null,
            targetSerial: one.target,
          });
          break;
        case 'pin':
          if (named) builds[builds.indexOf(named)] = { ...named, pinnedAt: 1 };
          break;
        case 'copy':
          if (named) copying.add(named.packDigest);
          break;
        case 'hold':
          if (named) heldArtifacts.add(named.artifactId);
          break;
        case 'wait':
          at += one.ms;
      }
    }
    return {
      packs: [...packs.values()],
      builds,
      channels: [0, 1].flatMap(index => {
        const own = releases.filter(past => past.channelId === `c${index}`);
        const current = own.at(-1);
        return current
          ? [{ id: `c${index}`, name: `c${index}`, repositoryId: 'r0', currentReleaseId: current.id }]
          : [];
      }),
      releases: releases.toReversed().sort((a, b) => b.serial - a.serial),
      machines: [...machines.values()],
      keptBuilds: new Map([['r0', 2]]),
      copying,
      heldArtifacts,
      now: at,
    };
  }

  /** The rule once more, said as plainly as can be, for each pack by itself. */
  function mustKeep(facts: RetentionFacts, wanted: PackFact, rollbacks: number): boolean {
    const own = facts.builds.filter(one => one.packDigest === wanted.digest);
    const isOwn = (buildId: string) => own.some(one => one.id === buildId);
    if (facts.copying.has(wanted.digest) || facts.heldArtifacts.has(wanted.artifactId)) return true;
    if (facts.now - wanted.storedAt < graceMs) return true;
    if (own.some(one => one.pinnedAt !== null)) return true;
    for (const [repository, count] of facts.keptBuilds) {
      const all = facts.builds.filter(one => one.repositoryId === repository);
      if (own.some(one => all.includes(one) && all.filter(other => other.jobNumber > one.jobNumber).length < count))
        return true;
    }
    for (const machine of facts.machines) if (machine.artifactId === wanted.artifactId) return true;
    for (const channel of facts.channels) {
      const past = facts.releases.filter(one => one.channelId === channel.id);
      const current = past[0];
      if (current === undefined) continue;
      if (isOwn(current.buildId)) return true;
      const machines = facts.machines.filter(one => one.channelId === channel.id);
      if (past.some(one => isOwn(one.buildId) && machines.some(machine => machine.targetSerial === one.serial)))
        return true;
      if (
        past.some(
          (one, index) => isOwn(one.buildId) && index > 0 && facts.now - (past[index - 1]?.createdAt ?? 0) < graceMs,
        )
      )
        return true;
      let from = current;
      while (from.kind === 'rollback') {
        const to = past.find(one => one.serial < from.serial && one.buildId === from.buildId);
        if (to === undefined) break;
        from = to;
      }
      for (const list of [past, past.filter(one => one.serial < from.serial)]) {
        const others = [...new Set(list.map(one => one.buildId))].filter(buildId => buildId !== current.buildId);
        if (others.slice(0, rollbacks).some(isOwn)) return true;
      }
    }
    return false;
  }

  it('keeps exactly what the rule says', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (steps, rollbacks) => {
        const facts = world(steps);
        const expected = facts.packs.filter(one => mustKeep(facts, one, rollbacks)).map(one => one.digest);
        expect(keptOf(facts, { rollbacks, graceMs })).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});
