import { beforeEach, expect, it } from 'vitest';
import { writeSetting } from '../../../src-main/database/settings.ts';
import type { HeldBy } from '../../../src-main/releases/seeding.ts';
import { createSwarmRules } from '../../../src-main/releases/swarm-rules.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { type TestDatabase, testDatabase } from '../../support/database-fixtures.ts';
import { newSigner, trustOf } from '../../support/signed-protocol.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await testDatabase();
});

const root = newSigner();
const release = newSigner();
const trust = trustOf(root, [release]);

function rulesAt(clock: { nowMs: number; onBattery?: boolean; isMetered?: boolean; fixedHost?: string }) {
  const trackers: unknown[] = [];
  const held: (HeldBy | null)[] = [];
  const limits: (number | null)[] = [];
  const pauses: boolean[] = [];
  const hosts: string[] = [];
  const seeding = {
    paused: false,
    pausedUntilMs: null as number | null,
    setPaused: async (paused: boolean) => {
      pauses.push(paused);
      seeding.paused = paused;
    },
    setHeldBy: (reason: HeldBy | null) => held.push(reason),
    setOtherTracker: (url: string | null) => trackers.push(url),
  };
  const rules = createSwarmRules({
    db: database.db,
    swarm: {
      setLimits: ({ uploadBytesPerSecond }) => limits.push(uploadBytesPerSecond),
      listenAt: host => hosts.push(host),
      setTracker: tracker => trackers.push(tracker),
    },
    fixedHost: clock.fixedHost ?? null,
    seeding,
    trust: { current: trust },
    power: { onBattery: async () => clock.onBattery ?? null },
    network: { isMetered: async () => clock.isMetered ?? null },
    clock: () => clock.nowMs,
    logger: silentLogger,
  });
  return { rules, limits, pauses, seeding, trackers, held, hosts };
}

it('a limit holds in its hours alone, and is told to the swarm when it changes', async () => {
  const clock = { nowMs: new Date(2026, 0, 5, 7, 0).getTime() };
  const { rules, limits } = rulesAt(clock);
  await rules.apply();
  await writeSetting(database.db, 'swarm.uploadLimit', '5000000');
  await writeSetting(database.db, 'swarm.limitHours', '08:00-18:00');
  await rules.apply();
  expect(limits).toEqual([]);
  clock.nowMs = new Date(2026, 0, 5, 8, 0).getTime();
  await rules.apply();
  await rules.apply();
  clock.nowMs = new Date(2026, 0, 5, 18, 0).getTime();
  await rules.apply();
  expect(limits).toEqual([5_000_000, null]);
});

it('a pause with an end is over then, one without is not', async () => {
  const clock = { nowMs: 1_000_000 };
  const { rules, pauses, seeding } = rulesAt(clock);
  seeding.paused = true;
  await rules.apply();
  seeding.pausedUntilMs = clock.nowMs + 1;
  await rules.apply();
  expect(pauses).toEqual([]);
  clock.nowMs += 1;
  await rules.apply();
  expect(pauses).toEqual([false]);
});

it('battery and a metered link hold seeding up only where a person says so, and only where they are known', async () => {
  const clock = { nowMs: 1, onBattery: true, isMetered: true };
  const { rules, held } = rulesAt(clock);
  await rules.apply();
  await writeSetting(database.db, 'swarm.onMetered', 'pause');
  await rules.apply();
  await writeSetting(database.db, 'swarm.onBattery', 'pause');
  await rules.apply();
  clock.onBattery = false;
  clock.isMetered = false;
  await rules.apply();
  expect(held).toEqual([null, 'metered', 'battery', null]);
});

it('the tracker runs where it is switched on, with the keys that count, and is told of a change alone', async () => {
  const { rules, trackers } = rulesAt({ nowMs: 1 });
  await rules.apply();
  await writeSetting(database.db, 'swarm.trackerPort', '6969');
  await rules.apply();
  await rules.apply();
  await writeSetting(database.db, 'swarm.trackerPort', 'off');
  await writeSetting(database.db, 'swarm.tracker', 'http://192.0.2.7:6969/announce');
  await rules.apply();
  const keys = { machines: [], controlCenters: [release.publicKey] };
  expect(trackers).toEqual([null, { port: 6_969, keys }, null, null, null, 'http://192.0.2.7:6969/announce']);
});

it('is closed to the network until a person opens it, and is where the command line says in any case', async () => {
  const { rules, hosts } = rulesAt({ nowMs: 0 });
  await rules.apply();
  await writeSetting(database.db, 'swarm.listen', 'network');
  await rules.apply();
  await writeSetting(database.db, 'swarm.listen', 'no such place');
  await rules.apply();
  expect(hosts).toEqual(['127.0.0.1', '0.0.0.0', '127.0.0.1']);
  await writeSetting(database.db, 'swarm.listen', 'network');
  const fixed = rulesAt({ nowMs: 0, fixedHost: '10.0.0.7' });
  await fixed.rules.apply();
  expect(fixed.hosts).toEqual(['10.0.0.7']);
});
