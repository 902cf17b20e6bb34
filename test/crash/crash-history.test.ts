/** 200 kills over 2,000 jobs, judged by the checker. `npm run test:crash` does the same for 2,000 kills over 20,000. */
import { rm } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { promises } from './check-history.ts';
import { type CrashReport, keptFolderOf, runCrashHistory } from './crash-run.ts';

const kills = 200;
const jobs = 2_000;
const seed = Math.floor(Math.random() * 1e9);
const repeat = `npm run test:crash -- --kills ${kills} --jobs ${jobs} --seed ${seed}`;
const folder = keptFolderOf(seed);

describe.skipIf(process.platform !== 'linux')('a history of kill -9 on workers, the host and build children', () => {
  let report: CrashReport;

  beforeAll(async () => {
    report = await runCrashHistory({ folder, kills, jobs, seed, onProgress: text => console.log(text) }).catch(
      error => {
        throw new Error(`the history stands in ${folder}; ${repeat}`, { cause: error });
      },
    );
    console.log(JSON.stringify({ ...report, violations: report.violations.length }));
    if (report.violations.length === 0) await rm(folder, { recursive: true, force: true });
  });

  it.each(promises)('%s', promise => {
    const broken = report.violations.filter(violation => violation.promise === promise);
    expect(broken, `the history is kept in ${folder}; to repeat it: ${repeat}`).toEqual([]);
  });

  it('had all its jobs and kills, of workers, the host and build children', () => {
    expect(report.jobs).toBe(jobs);
    const killed = Object.values(report.kills).reduce((sum, count) => sum + count, 0);
    expect(killed).toBeGreaterThanOrEqual(kills);
    for (const victim of ['build child', 'worker', 'host']) {
      expect(Object.keys(report.kills).filter(kind => kind.startsWith(victim))).not.toEqual([]);
    }
  });
});
