import { beforeEach, expect, it } from 'vitest';
import { writeSetting } from '../../../src-main/database/settings.ts';
import { createSwarmRules } from '../../../src-main/releases/swarm-rules.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { type TestDatabase, testDatabase } from '../../support/database-fixtures.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await testDatabase();
});

function rulesAt(clock: { nowMs: number }) {
  const limits: (number | null)[] = [];
  const pauses: boolean[] = [];
  const seeding = {
    paused: false,
    pausedUntilMs: null as number | null,
    setPaused: async (paused: boolean) => {
      pauses.push(paused);
      seeding.paused = paused;
    },
  };
  const rules = createSwarmRules({
    db: database.db,
    swarm: { setLimits: ({ uploadBytesPerSecond }) => limits.push(uploadBytesPerSecond) },
    seeding,
    clock: () => clock.nowMs,
    logger: silentLogger,
  });
  return { rules, limits, pauses, seeding };
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
