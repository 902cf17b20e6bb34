/** Owns the checks of what the database tells: workers, jobs, repositories, regions. Reads it beside a running engine, or without one. */
import { DomainError } from '../../contract/errors.ts';
import { type BuildDefaults, buildDefaultsSchema } from '../../contract/isolation.ts';
import { planSchema, type ToolRequirement } from '../../contract/plan.ts';
import { settingsOf } from '../../contract/settings.ts';
import { checkDatabase } from '../../database/check-database.ts';
import { newestEventAt } from '../../database/events.ts';
import { lastPlan, listRunningJobs } from '../../database/jobs.ts';
import { errorFromJson, fromJson } from '../../database/json-column.ts';
import { type Db, openDatabase } from '../../database/open-database.ts';
import { listRegions, regionLag } from '../../database/regions.ts';
import { listRepositories } from '../../database/repositories.ts';
import { readAllSettings } from '../../database/settings.ts';
import { listLiveWorkers } from '../../database/workers.ts';
import { checkupDeadlineMs } from '../../domain/clock.ts';
import type { DataFolder } from '../../domain/data-folder.ts';
import { readBuildDefaults } from '../../queue/build-defaults.ts';
import { broken, type Check, ok, orOk, warning } from './check.ts';

/** A region that is this far behind is not just busy. */
const lagMs = 10 * 60_000;
/** Polls come every ten seconds, and back off to minutes when they fail. */
const pollLateMs = 10 * 60_000;

export interface Records {
  readonly checks: readonly Check[];
  readonly requirements: readonly ToolRequirement[];
  readonly newestEventAt: number | null;
  readonly defaults: BuildDefaults;
}

const seconds = (ms: number) => `${Math.max(0, Math.round(ms / 1_000))} s`;

async function checkWorkers(db: Db, now: number, isRunning: boolean, deadlineMs: number): Promise<readonly Check[]> {
  const workers = await listLiveWorkers(db);
  if (!isRunning) return [ok('Workers', 'none without an engine')];
  if (workers.length === 0) {
    return [warning('Workers', 'no worker runs', 'Start the engine with at least one worker, or resume them.')];
  }
  const silent = workers.filter(worker => now - worker.checkupAt > deadlineMs);
  const findings = silent.map(({ name, pid, checkupAt }) =>
    broken(
      'Workers',
      `${name} (pid ${pid}) showed no life for ${seconds(now - checkupAt)}`,
      'The engine replaces it; if it does not, run "slipway stop" and "slipway serve".',
    ),
  );
  const last = Math.max(...workers.map(({ checkupAt }) => now - checkupAt));
  return orOk(findings, 'Workers', `${workers.length} alive, the oldest checkup ${seconds(last)} ago`);
}

async function checkJobs(db: Db, now: number, isRunning: boolean, deadlineMs: number): Promise<readonly Check[]> {
  const running = await listRunningJobs(db);
  const stuck = running.filter(job => now - (job.checkupAt ?? 0) > deadlineMs);
  const findings = stuck.map(job => {
    const detail = `job ${job.number} runs without a checkup for ${seconds(now - (job.checkupAt ?? job.startedAt ?? now))}`;
    return isRunning
      ? broken(
          'Jobs',
          detail,
          `The engine returns it to the queue; if it does not, run "slipway job cancel ${job.number}".`,
        )
      : warning('Jobs', detail, 'Its engine has ended. The next "slipway serve" returns it to its place in the queue.');
  });
  return orOk(
    findings,
    'Jobs',
    running.length === 0 ? 'none runs' : `${running.length} running, each with its checkup`,
  );
}

async function checkRepositories(db: Db, now: number, isRunning: boolean): Promise<readonly Check[]> {
  const repositories = await listRepositories(db);
  const findings = repositories.flatMap(({ name, pollError, checkupAt }) => {
    const error = errorFromJson(pollError);
    if (error) return [broken('Repositories', `${name} cannot be polled`, error.message)];
    const silentMs = checkupAt === null ? 0 : now - checkupAt;
    if (!isRunning || silentMs <= pollLateMs) return [];
    return [
      warning('Repositories', `${name} was not looked at for ${seconds(silentMs)}`, `Run: slipway repo poll ${name}`),
    ];
  });
  return orOk(findings, 'Repositories', `${repositories.length} can be polled`);
}

async function checkRegions(db: Db, now: number): Promise<readonly Check[]> {
  const regions = (await listRegions(db)).filter(region => region.isMain === 0);
  const findings: Check[] = [];
  for (const region of regions) {
    const error = errorFromJson(region.error);
    const { behind, failed, oldestStoredAt } = await regionLag(db, region.id);
    const lag = oldestStoredAt === null ? 0 : now - oldestStoredAt;
    const detail = `${region.name} lacks ${behind} ${behind === 1 ? 'pack' : 'packs'}, the oldest for ${seconds(lag)}`;
    if (error) findings.push(broken('Regions', `${region.name} cannot be reached`, error.message));
    else if (failed > 0) {
      findings.push(broken('Regions', detail, 'See "Regions" in the interface for the cause; it retries by itself.'));
    } else if (region.paused === 1) findings.push(warning('Regions', `${region.name} is paused`, 'Resume it there.'));
    else if (lag > lagMs) findings.push(warning('Regions', detail, 'Copies go on; look at the speed to that store.'));
  }
  return orOk(findings, 'Regions', regions.length === 0 ? 'none yet' : `${regions.length} up to date`);
}

async function readRecords(db: Db, now: number, isRunning: boolean): Promise<Records> {
  const requirements: ToolRequirement[] = [];
  for (const { id } of await listRepositories(db)) {
    requirements.push(...(fromJson(planSchema, await lastPlan(db, id))?.requirements ?? []));
  }
  const deadlineMs = checkupDeadlineMs(settingsOf(await readAllSettings(db))['workers.checkupMs']);
  const checks = [
    await checkWorkers(db, now, isRunning, deadlineMs),
    await checkJobs(db, now, isRunning, deadlineMs),
    await checkRepositories(db, now, isRunning),
    await checkRegions(db, now),
  ];
  return {
    checks: checks.flat(),
    requirements,
    newestEventAt: await newestEventAt(db),
    defaults: await readBuildDefaults(db),
  };
}

/** The database itself, and where it is whole what lies in it. */
export async function checkRecords(folder: DataFolder, now: number, isRunning: boolean): Promise<Records> {
  const nothing = { requirements: [], newestEventAt: null, defaults: buildDefaultsSchema.parse({}) };
  try {
    const condition = checkDatabase(folder.databaseFile);
    if (condition === null) return { ...nothing, checks: [ok('Database', 'none yet')] };
    const { damage, schema, newestSchema } = condition;
    if (damage.length > 0) {
      const advice = `Stop the engine, copy ${folder.databaseFile} away, and restore a backup into another folder: slipway restore FILE --data DIR`;
      return { ...nothing, checks: [broken('Database', `damaged: ${damage.join('; ')}`, advice)] };
    }
    if (schema < newestSchema) {
      const advice = 'The next start of this version brings it up to date.';
      return {
        ...nothing,
        checks: [warning('Database', `whole, of an older version (schema ${schema} of ${newestSchema})`, advice)],
      };
    }
    const db = openDatabase(folder.databaseFile, { migrateSchema: false });
    try {
      const records = await readRecords(db, now, isRunning);
      return { ...records, checks: [ok('Database', `whole (quick_check), schema ${schema}`), ...records.checks] };
    } finally {
      await db.destroy();
    }
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return { ...nothing, checks: [broken('Database', `cannot be read (${error.code})`, error.message)] };
  }
}
