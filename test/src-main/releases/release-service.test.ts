import { describe, expect, it, onTestFinished } from 'vitest';
import { storeKeys } from '../../../src-main/contract/documents.ts';
import { DomainError } from '../../../src-main/contract/errors.ts';
import type { BuildWithPack } from '../../../src-main/database/builds.ts';
import { listEvents } from '../../../src-main/database/events.ts';
import type { Db } from '../../../src-main/database/open-database.ts';
import {
  type ChannelRecord,
  findRelease,
  insertChannel,
  listReleases,
  updateChannel,
} from '../../../src-main/database/releases.ts';
import { createAutoRelease } from '../../../src-main/releases/auto-release.ts';
import { pointerLifetimeMs } from '../../../src-main/releases/pointer-service.ts';
import { createReleaseService } from '../../../src-main/releases/release-service.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { startControlCenter } from '../../support/control-center.ts';
import { addBuild, eventTypes } from '../../support/database-fixtures.ts';

type Center = Awaited<ReturnType<typeof startControlCenter>>;

const promote = (center: Center, channel: ChannelRecord, build: BuildWithPack) =>
  center.releases.release({ channel, build, kind: 'promote', reason: null });
const now = (center: Center, channel: ChannelRecord) => center.releases.channel(channel.repositoryId, channel.name);
const rollback = async (center: Center, channel: ChannelRecord, serial?: number) =>
  center.releases.rollback(await now(center, channel), serial, 'it is broken');
const pointerOf = async (center: Center, channel: ChannelRecord) => {
  const stored = await center.pointers.read(center.main, channel);
  if (!stored) throw new Error('there is no pointer');
  return stored.pointer;
};

/** A channel with as many builds, each released in turn. */
async function released(count: number) {
  const center = await startControlCenter();
  const channel = await center.addChannel();
  const builds: BuildWithPack[] = [];
  for (let index = 0; index < count; index += 1) {
    const build = await addBuild(center.db, channel.repositoryId);
    builds.push(build);
    await promote(center, channel, build);
  }
  return { center, channel, builds };
}

describe('promote', () => {
  it('makes a build current, under a serial that only grows, in store and database alike', async () => {
    const { center, channel, builds } = await released(3);
    const pointer = await pointerOf(center, channel);
    expect(pointer).toMatchObject({
      serial: 3,
      buildId: builds[2]?.id,
      artifactId: builds[2]?.artifactId,
      previous: { serial: 2, artifactId: builds[1]?.artifactId },
    });
    expect(pointer.expiresAtMs - pointer.issuedAtMs).toBe(pointerLifetimeMs);
    const current = await now(center, channel);
    expect(await findRelease(center.db, current.currentReleaseId ?? '')).toMatchObject({
      serial: 3,
      id: pointer.releaseId,
    });
    expect((await listReleases(center.db, channel.id, 10)).map(release => release.serial)).toEqual([3, 2, 1]);
  });

  it('takes serials one after another when asked at once', async () => {
    const center = await startControlCenter();
    const channel = await center.addChannel();
    const builds = await Promise.all([1, 2, 3].map(() => addBuild(center.db, channel.repositoryId)));
    const made = await Promise.all(builds.map(build => promote(center, channel, build)));
    expect(made.map(release => release.serial)).toEqual([1, 2, 3]);
  });

  it('of an unknown channel or build says what there is', async () => {
    const { center, channel } = await released(1);
    await expect(center.releases.channel(channel.repositoryId, 'staging')).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('production'),
    });
    const other = await center.addChannel();
    await expect(center.releases.buildToPromote(other.repositoryId, undefined)).rejects.toMatchObject({
      code: 'not_found',
    });
    const foreign = await addBuild(center.db, channel.repositoryId);
    await expect(center.releases.buildToPromote(other.repositoryId, foreign.id)).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});

it('is not held up by a renewal of the pointer that it replaces', async () => {
  let meanwhile: (() => Promise<void>) | null = null;
  const center = await startControlCenter({
    around: store => ({
      ...store,
      put: async (key, source, options) => {
        const first = meanwhile;
        meanwhile = null;
        await first?.();
        return store.put(key, source, options);
      },
    }),
  });
  const channel = await center.addChannel();
  await promote(center, channel, await addBuild(center.db, channel.repositoryId));
  const build = await addBuild(center.db, channel.repositoryId);
  const stored = await center.pointers.read(center.main, channel);
  meanwhile = async () => {
    await center.pointers.write(center.main, channel, await pointerOf(center, channel), stored?.version ?? null);
  };
  expect(await promote(center, channel, build)).toMatchObject({ serial: 2 });
  expect(await pointerOf(center, channel)).toMatchObject({ serial: 2, buildId: build.id });
});

describe('rollback', () => {
  it('releases the build before the current one, as a new serial', async () => {
    const { center, channel, builds } = await released(2);
    expect(await rollback(center, channel)).toMatchObject({ serial: 3, buildId: builds[0]?.id, kind: 'rollback' });
    expect(await pointerOf(center, channel)).toMatchObject({
      serial: 3,
      buildId: builds[0]?.id,
      previous: { serial: 2 },
    });
  });

  it('twice goes back two builds, and not to what the first one fled from', async () => {
    const { center, channel, builds } = await released(3);
    expect(await rollback(center, channel)).toMatchObject({ serial: 4, buildId: builds[1]?.id });
    expect(await rollback(center, channel)).toMatchObject({ serial: 5, buildId: builds[0]?.id });
    await expect(rollback(center, channel)).rejects.toMatchObject({ code: 'release.not_kept' });
    expect((await pointerOf(center, channel)).serial).toBe(5);
  });

  it('after a repair goes back to what ran before the repair', async () => {
    const { center, channel, builds } = await released(2);
    await rollback(center, channel);
    await promote(center, channel, await addBuild(center.db, channel.repositoryId));
    expect(await rollback(center, channel)).toMatchObject({ serial: 5, buildId: builds[0]?.id });
  });

  it('to a serial takes that one, and refuses what runs or never was', async () => {
    const { center, channel, builds } = await released(3);
    await expect(rollback(center, channel, 3)).rejects.toMatchObject({ code: 'conflict' });
    await expect(rollback(center, channel, 9)).rejects.toMatchObject({ code: 'not_found' });
    expect(await rollback(center, channel, 1)).toMatchObject({ serial: 4, buildId: builds[0]?.id });
  });

  it('without an earlier release is refused', async () => {
    const { center, channel } = await released(1);
    await expect(rollback(center, channel)).rejects.toMatchObject({ code: 'release.not_kept' });
  });
});

describe('two control centers on one main store', () => {
  async function twoCenters() {
    const first = await startControlCenter();
    const second = await startControlCenter({ home: first.home });
    const channel = await first.addChannel();
    await copyRepository(second.db, first.db, channel);
    return { first, second, channel };
  }
  async function copyRepository(to: Db, from: Db, channel: ChannelRecord): Promise<void> {
    const row = await from
      .selectFrom('repositories')
      .selectAll()
      .where('id', '=', channel.repositoryId)
      .executeTakeFirstOrThrow();
    await to.insertInto('repositories').values(row).execute();
    await insertChannel(to, {
      id: channel.id,
      repositoryId: channel.repositoryId,
      name: channel.name,
      policy: 'manual',
    });
  }

  it('never take the same serial: the slower one is told', async () => {
    const { first, second, channel } = await twoCenters();
    const build = await addBuild(first.db, channel.repositoryId);
    const rival = await addBuild(second.db, channel.repositoryId);
    // The second reads what the first is about to replace, and writes after it.
    const seen = await second.pointers.read(second.main, channel);
    await promote(first, channel, build);
    const release = { id: build.id, channelId: channel.id, serial: 1, buildId: rival.id, kind: 'promote' as const };
    const pointer = await second.pointers.compose(channel, {
      ...release,
      reason: null,
      previousId: null,
      environmentVersion: null,
      environmentDigest: null,
      migration: null,
      rollout: null,
      createdAt: 1,
      forced: 0,
    });
    await expect(second.pointers.write(second.main, channel, pointer, seen?.version ?? null)).rejects.toMatchObject({
      code: 'release.serial_taken',
      details: { serial: 1 },
    });
    expect(await pointerOf(first, channel)).toMatchObject({ serial: 1, buildId: build.id });
  });

  it('go on from each other: a serial is never used twice', async () => {
    const { first, second, channel } = await twoCenters();
    await promote(first, channel, await addBuild(first.db, channel.repositoryId));
    await promote(first, channel, await addBuild(first.db, channel.repositoryId));
    const theirs = await promote(second, channel, await addBuild(second.db, channel.repositoryId));
    expect(theirs.serial).toBe(3);
    expect((await promote(first, channel, await addBuild(first.db, channel.repositoryId))).serial).toBe(4);
  });
});

describe('after a crash between the pointer and the database', () => {
  it('the release is taken over as the pointer has it, once', async () => {
    const { center, channel, builds } = await released(1);
    const build = await addBuild(center.db, channel.repositoryId);
    // The crash: the pointer is written, and the process ends before its own record.
    const crashing = createReleaseService({
      db: failingTransactions(center.db),
      main: center.main,
      pointers: center.pointers,
      environments: center.environments,
      migrations: center.migrations,
      rollouts: center.rollouts,
      clock: Date.now,
      logger: silentLogger,
      onReleased: () => undefined,
    });
    await expect(crashing.release({ channel, build, kind: 'promote', reason: null })).rejects.toThrow('crash');
    expect((await now(center, channel)).currentReleaseId).not.toBeNull();
    expect((await pointerOf(center, channel)).serial).toBe(2);

    await center.releases.adoptPointers();
    await center.releases.adoptPointers();
    const pointer = await pointerOf(center, channel);
    const adopted = await findRelease(center.db, (await now(center, channel)).currentReleaseId ?? '');
    expect(adopted).toMatchObject({ id: pointer.releaseId, serial: 2, buildId: build.id });
    expect((await eventTypes(center.db)).filter(type => type === 'release.created')).toHaveLength(2);
    expect(await rollback(center, channel)).toMatchObject({ serial: 3, buildId: builds[0]?.id });
  });

  /** The same database, but no transaction can begin after that which holds the build's pack. A process that dies at that moment cannot be had at will. */
  function failingTransactions(db: Db): Db {
    let begun = 0;
    return new Proxy(db, {
      get(target, name) {
        if (name === 'transaction') begun += 1;
        if (name === 'transaction' && begun > 1) throw new Error('crash');
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }
});

describe('the policy auto', () => {
  async function auto(isAncestor: (ancestor: string, descendant: string) => boolean = () => true) {
    const center = await startControlCenter();
    const channel = await center.addChannel('auto');
    const automatic = createAutoRelease({
      db: center.db,
      releases: center.releases,
      clock: Date.now,
      logger: silentLogger,
      isAncestor: async (_repositoryId, ancestor, descendant) => isAncestor(ancestor, descendant),
    });
    const refusals = async () =>
      (await listEvents(center.db, { after: 0, limit: 100 })).filter(event => event.type === 'release.refused');
    return { center, channel, automatic, refusals };
  }

  it('releases each step forward, and the same build once', async () => {
    const { center, channel, automatic } = await auto();
    const first = await addBuild(center.db, channel.repositoryId, { createdAt: 1_000 });
    await automatic.consider(first);
    await automatic.consider(first);
    const second = await addBuild(center.db, channel.repositoryId, { createdAt: 2_000 });
    await automatic.considerAll();
    const releases = await listReleases(center.db, channel.id, 10);
    expect(releases).toMatchObject([
      { serial: 2, buildId: second.id, kind: 'auto' },
      { serial: 1, buildId: first.id, kind: 'auto' },
    ]);
  });

  it('refuses what does not descend from what runs, and says so once', async () => {
    const { center, channel, automatic, refusals } = await auto(() => false);
    const first = await addBuild(center.db, channel.repositoryId, { createdAt: 1_000 });
    await automatic.consider(first);
    const late = await addBuild(center.db, channel.repositoryId, { createdAt: 2_000 });
    await automatic.consider(late);
    await automatic.consider(late);
    expect(await pointerOf(center, channel)).toMatchObject({ serial: 1, buildId: first.id });
    expect(await refusals()).toMatchObject([
      { jobId: late.jobId, subjectId: channel.id, data: { code: 'release.not_descendant', channel: 'production' } },
    ]);
  });

  it('decides nothing while the database is locked, so that it can be asked again', async () => {
    let isLocked = true;
    const { center, channel, automatic, refusals } = await auto(() => {
      if (isLocked) throw new DomainError('data.busy', 'It is locked.');
      return true;
    });
    await automatic.consider(await addBuild(center.db, channel.repositoryId));
    const build = await addBuild(center.db, channel.repositoryId);
    await expect(automatic.consider(build)).rejects.toMatchObject({ code: 'data.busy' });
    expect(await refusals()).toEqual([]);
    isLocked = false;
    await automatic.consider(build);
    expect(await pointerOf(center, channel)).toMatchObject({ serial: 2, buildId: build.id });
  });

  it('releases what is built after a clock was set back', async () => {
    const { center, channel, automatic } = await auto();
    await automatic.consider(await addBuild(center.db, channel.repositoryId, { createdAt: 90_000_000 }));
    const second = await addBuild(center.db, channel.repositoryId, { createdAt: 1_000 });
    await automatic.consider(second);
    expect(await pointerOf(center, channel)).toMatchObject({ serial: 2, buildId: second.id });
  });

  it('keeps the later of two builds of a revision, whichever was ready first', async () => {
    const { center, channel, automatic, refusals } = await auto();
    const revision = 'a'.repeat(40);
    const early = await addBuild(center.db, channel.repositoryId, { revision, createdAt: 2_000 });
    const later = await addBuild(center.db, channel.repositoryId, { revision, createdAt: 1_000 });
    await automatic.consider(later);
    await automatic.consider(early);
    expect(await pointerOf(center, channel)).toMatchObject({ serial: 1, buildId: later.id });
    expect(await refusals()).toEqual([]);
  });

  it('pauses at a rollback, with the reason, until a person resumes it', async () => {
    const { center, channel, automatic, refusals } = await auto();
    await automatic.consider(await addBuild(center.db, channel.repositoryId, { createdAt: 1_000 }));
    await automatic.consider(await addBuild(center.db, channel.repositoryId, { createdAt: 2_000 }));
    await rollback(center, channel);
    expect((await now(center, channel)).pausedReason).toBe('rolled back to 1: it is broken');
    await automatic.consider(await addBuild(center.db, channel.repositoryId, { createdAt: 3_000 }));
    expect((await pointerOf(center, channel)).serial).toBe(3);
    expect(await refusals()).toMatchObject([{ data: { code: 'release.paused' } }]);
  });

  it('gives a channel that was resumed no build that it was rolled back from, but the next one', async () => {
    const { center, channel, automatic, refusals } = await auto();
    await automatic.consider(await addBuild(center.db, channel.repositoryId, { createdAt: 1_000 }));
    await automatic.consider(await addBuild(center.db, channel.repositoryId, { createdAt: 2_000 }));
    await rollback(center, channel);
    await updateChannel(center.db, channel.id, { pausedReason: null });
    await automatic.considerAll();
    expect((await pointerOf(center, channel)).serial).toBe(3);
    expect(await refusals()).toEqual([]);
    const repair = await addBuild(center.db, channel.repositoryId, { createdAt: 3_000 });
    await automatic.considerAll(channel.repositoryId);
    expect(await pointerOf(center, channel)).toMatchObject({ serial: 4, buildId: repair.id });
  });

  it('never undoes a rollback that came while it decided', async () => {
    let beforeAnswer: () => Promise<unknown> = async () => undefined;
    const center = await startControlCenter();
    const channel = await center.addChannel('auto');
    const { db, releases } = center;
    const automatic = createAutoRelease({
      ...{ db, releases, clock: Date.now, logger: silentLogger },
      isAncestor: async () => {
        await beforeAnswer();
        return true;
      },
    });
    const first = await addBuild(db, channel.repositoryId, { createdAt: 1_000 });
    await automatic.consider(first);
    await automatic.consider(await addBuild(db, channel.repositoryId, { createdAt: 2_000 }));
    beforeAnswer = () => rollback(center, channel);
    const late = await addBuild(db, channel.repositoryId, { createdAt: 3_000 });
    await automatic.consider(late);
    expect(await pointerOf(center, channel)).toMatchObject({ serial: 3, buildId: first.id });
    const events = await listEvents(db, { after: 0, limit: 100, jobId: late.jobId });
    expect(events.filter(event => event.type === 'release.refused')).toMatchObject([
      { data: { code: 'release.paused' } },
    ]);
  });

  it('releases a build once, however many ask at once', async () => {
    const { center, channel, automatic, refusals } = await auto();
    const build = await addBuild(center.db, channel.repositoryId, { createdAt: 1_000 });
    await Promise.all([automatic.consider(build), automatic.consider(build), automatic.considerAll()]);
    expect(await listReleases(center.db, channel.id, 10)).toMatchObject([{ serial: 1, buildId: build.id }]);
    expect(await refusals()).toEqual([]);
  });

  it('leaves a manual channel alone', async () => {
    const { center, automatic } = await auto();
    const manual = await center.addChannel('manual');
    await automatic.consider(await addBuild(center.db, manual.repositoryId));
    expect(await listReleases(center.db, manual.id, 10)).toEqual([]);
  });
});

it('renews a pointer that grows old, under its serial', async () => {
  let nowMs = 1_000_000;
  const center = await startControlCenter({ clock: () => nowMs });
  const channel = await center.addChannel();
  const release = await promote(center, channel, await addBuild(center.db, channel.repositoryId));
  const isDue = async () => center.pointers.isDue(await center.pointers.read(center.main, channel), release, undefined);
  expect(await isDue()).toBe(false);
  nowMs += 25 * 60 * 60 * 1_000;
  expect(await isDue()).toBe(true);
  await center.reconciler.start();
  onTestFinished(() => center.reconciler.stop());
  await expect.poll(async () => (await pointerOf(center, channel)).issuedAtMs, { timeout: 15_000 }).toBe(nowMs);
  expect((await pointerOf(center, channel)).serial).toBe(1);
  expect(await center.main.head(storeKeys.pointer(channel.repositoryId, channel.name))).not.toBeNull();
});
