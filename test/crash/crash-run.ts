/** Owns one crash history: a host with workers and jobs, kills at random until there were enough, and the checker's verdict. */
import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import BetterSqlite3 from 'better-sqlite3';
import { z } from 'zod';
import { openKeyring } from '../../src-main/secrets/keyring.ts';
import { type HostProcess, startHost } from './host-process.ts';
import { type KillKind, killSomething } from './killer.ts';
import { placesIn } from './places.ts';
import { signal } from './processes.ts';
import { addRepository, openDatabase } from './queue-under-test.ts';
import { createRandom } from './random.ts';
import { appendLine, readLines } from './side-log.ts';

export interface CrashOptions {
  readonly folder: string;
  readonly kills: number;
  readonly jobs: number;
  readonly seed: number;
  readonly onProgress?: (text: string) => void;
}

const verdictSchema = z.object({
  jobs: z.number(),
  attempts: z.number(),
  ended: z.record(z.string(), z.number()),
  violations: z.array(z.object({ promise: z.string(), what: z.string() })),
});
export type Verdict = z.infer<typeof verdictSchema>;

export interface CrashReport extends Verdict {
  readonly kills: Readonly<Record<string, number>>;
  /** At which statements processes died, the most frequent first. */
  readonly killPoints: readonly (readonly [string, number])[];
  readonly hostStarts: number;
  readonly seconds: number;
}

/** Where a history lies: outside of what a build removes, and not under version control. */
export function keptFolderOf(seed: number): string {
  return fileURLToPath(new URL(`../../test-results/crash/seed-${seed}`, import.meta.url));
}

const repositoryCount = 8;
const workerCount = 3;
/** A history in which nothing ends any more for this long is stuck, which is a violation of its own. */
const stuckAfterMs = 180_000;
const lookEveryMs = 20;
/** After a host's start, before the next kill may come: else hosts would die at their start alone. */
const maxPauseMs = 150;

/** Runs a history in `folder`, which is made anew, and has it judged. Throws when it stands still. */
export async function runCrashHistory(options: CrashOptions): Promise<CrashReport> {
  const startedAt = performance.now();
  const { folder } = options;
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'keys'), { recursive: true, mode: 0o700 });
  await openKeyring({ folder: join(folder, 'keys') });
  const repositories = Array.from({ length: repositoryCount }, (_, index) => `repository-${index + 1}`);
  const revisions = Math.ceil(options.jobs / repositoryCount);
  const db = openDatabase(placesIn(folder).database, { migrateSchema: true });
  for (const repository of repositories) await addRepository(db, repository);
  await db.destroy();

  const settings = { folder, repositories, revisions, workers: workerCount };
  const { kills, hostStarts } = await killUntilDone(options, settings);
  const verdict = await judge(folder, { repositories, revisions });
  return {
    ...verdict,
    kills,
    killPoints: countLines(readLines(placesIn(folder).killPoints)),
    hostStarts,
    seconds: Math.round((performance.now() - startedAt) / 1_000),
  };
}

async function killUntilDone(
  { folder, kills: wantedKills, seed, onProgress }: CrashOptions,
  settings: Parameters<typeof startHost>[0],
) {
  const random = createRandom(seed);
  const jobs = settings.revisions * settings.repositories.length;
  const progress = watchProgress(folder);
  const stopped = new Set<number>();
  const kills: KillKind[] = [];
  let hostStarts = 1;
  let host: HostProcess = await startHost(settings);
  let ended = 0;
  let movedAt = performance.now();
  let toldAt = 0;
  try {
    while (ended < jobs) {
      const now = progress.endedJobs();
      if (now !== ended) movedAt = performance.now();
      ended = now;
      if (performance.now() - movedAt > stuckAfterMs) {
        throw new Error(
          `no job ended for ${stuckAfterMs / 1_000} s: ${ended} of ${jobs} had ended, after ${kills.length} kills`,
        );
      }
      if (kills.length < wantedKills && ended >= (kills.length * jobs * 0.98) / wantedKills) {
        await delay(random.below(maxPauseMs));
        for (const kind of await killSomething(host, random, stopped)) {
          kills.push(kind);
          appendLine(placesIn(folder).kills, `${kills.length} ${ended} ${kind}`);
        }
      } else {
        await delay(lookEveryMs);
      }
      if (host.ended) {
        host = await startHost(settings);
        hostStarts += 1;
        for (const pid of stopped) signal(pid, 'SIGCONT');
        stopped.clear();
      }
      if (performance.now() - toldAt > 10_000) {
        toldAt = performance.now();
        onProgress?.(`${ended} of ${jobs} jobs ended, ${kills.length} kills, ${hostStarts} starts of the host`);
      }
    }
    const exitCode = await host.stop();
    if (exitCode !== 0) throw new Error(`the host ended with ${exitCode} when it was asked to stop`);
  } finally {
    await host.kill();
    for (const pid of stopped) signal(pid, 'SIGKILL');
    progress.close();
  }
  return { kills: Object.fromEntries(countLines(kills)), hostStarts };
}

/** A connection of its own, which only reads. */
function watchProgress(folder: string) {
  const db = new BetterSqlite3(placesIn(folder).database, { readonly: true });
  // The numbers have no gaps, and each of the others reads a small partial index, however long the history is.
  const count = db
    .prepare(
      `SELECT (SELECT coalesce(max(number), 0) FROM jobs) - (SELECT count(*) FROM jobs WHERE status = 'queued')
       - (SELECT count(*) FROM jobs WHERE status = 'running')`,
    )
    .pluck();
  return { endedJobs: () => z.number().parse(count.get()), close: () => db.close() };
}

/** The checker is a program of its own, which shares nothing with this process but the folder. */
async function judge(folder: string, expected: { readonly repositories: string[]; readonly revisions: number }) {
  const program = fileURLToPath(new URL('./checker.ts', import.meta.url));
  const text = await new Promise<string>((resolve, reject) => {
    const args = [program, folder, JSON.stringify(expected)];
    execFile(process.execPath, args, { maxBuffer: 2 ** 28 }, (error, stdout) => {
      if (stdout) resolve(stdout);
      else reject(error ?? new Error('the checker said nothing'));
    });
  });
  return verdictSchema.parse(JSON.parse(text));
}

function countLines(lines: readonly string[]): (readonly [string, number])[] {
  const groups = Map.groupBy(lines, line => line);
  return [...groups].map(([line, found]) => [line, found.length] as const).sort((a, b) => b[1] - a[1]);
}
