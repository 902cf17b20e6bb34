import BetterSqlite3 from 'better-sqlite3';
import { expect, it, onTestFinished } from 'vitest';
import { selectEvents } from '../../../src-main/database/events.ts';
import { recomputeHead } from '../../../src-main/database/migrations/021-queue-lines.ts';
import { jobStatements } from '../../../src-main/database/queue/job-statements.ts';
import { testDatabase } from '../../support/database-fixtures.ts';

/** How SQLite would run a statement, one line per table that it reads. */
async function explain(text: string): Promise<string[]> {
  const { file } = await testDatabase();
  const sqlite = new BetterSqlite3(file, { readonly: true });
  onTestFinished(() => void sqlite.close());
  const rows = sqlite.prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${text.replace(/@\w+|\?/g, '1')}`).all();
  return rows.map(row => row.detail);
}

/** Bounded by the repositories, or by what runs: neither grows with the jobs. */
const smallScans = [/^SCAN queue_heads/, /^SCAN json_each/];

it.each(Object.entries(jobStatements))('%s finds its rows by a search, however many there are', async (_name, text) => {
  const scans = (await explain(text)).filter(line => line.startsWith('SCAN'));
  const large = scans.filter(
    line => !/^SCAN (?:\(subquery|CONSTANT|2-ROW VALUES)/.test(line) && !smallScans.some(one => one.test(line)),
  );
  expect(large).toEqual([]);
});

it('a claim reads the first entry of the claimable heads, and the job by its number', async () => {
  expect(await explain(jobStatements.claim)).toEqual([
    'SEARCH jobs USING INTEGER PRIMARY KEY (rowid=?)',
    'SCALAR SUBQUERY 2',
    'SCAN queue_heads USING INDEX queue_claimable',
    'SCALAR SUBQUERY 1',
    'SEARCH events',
  ]);
});

it('the jobs that run are found by the heads', async () => {
  expect(await explain(jobStatements.findOfWorker)).toEqual([
    'SEARCH jobs USING INTEGER PRIMARY KEY (rowid=?)',
    'LIST SUBQUERY 1',
    'SCAN queue_heads',
    'SCAN json_each VIRTUAL TABLE INDEX 1:',
  ]);
});

it('the attempts of a job are found by its id, where they lie', async () => {
  expect(await explain("SELECT * FROM attempts WHERE job_id = 'j' ORDER BY attempt")).toEqual([
    'CO-ROUTINE attempts',
    'COMPOUND QUERY',
    'LEFT-MOST SUBQUERY',
    'SEARCH earlier_attempts USING PRIMARY KEY (job_id=?)',
    'UNION ALL',
    'SEARCH jobs USING INDEX sqlite_autoindex_jobs_1 (id=?)',
    'CORRELATED SCALAR SUBQUERY 3',
    'SEARCH workers USING INDEX sqlite_autoindex_workers_1 (id=?)',
    'SCAN attempts',
    'USE TEMP B-TREE FOR ORDER BY',
  ]);
});

it('the heads are kept by searches', async () => {
  for (const statement of recomputeHead("'r'").split(';').slice(0, 2)) {
    const plan = await explain(statement);
    expect(plan.filter(line => line.startsWith('SCAN'))).toEqual([]);
    expect(plan.join('\n')).toMatch(/INDEX jobs_(?:of_repository|returned) \(repository_id=\?/);
  }
});

it('what waits is found line by line, behind the place where the line begins', async () => {
  expect(await explain("SELECT number FROM waiting_jobs WHERE repository_id = 'r' LIMIT 5")).toEqual([
    'COMPOUND QUERY',
    'LEFT-MOST SUBQUERY',
    'SEARCH queue_heads USING INDEX sqlite_autoindex_queue_heads_1 (repository_id=?)',
    'SEARCH jobs USING INDEX jobs_of_repository (repository_id=? AND number>?)',
    'UNION ALL',
    'SEARCH jobs USING COVERING INDEX jobs_returned (repository_id=?)',
  ]);
});

it('the events of a job are found by their cursors', async () => {
  const { db } = await testDatabase();
  const { sql, parameters } = selectEvents(db, { after: 5, limit: 10, jobId: 'job' }).compile();
  expect(parameters).toContain('job');
  expect(await explain(sql)).toEqual([
    'SEARCH events USING INTEGER PRIMARY KEY (rowid=?)',
    'LIST SUBQUERY 2',
    'SCAN json_each VIRTUAL TABLE INDEX 1:',
    'SCALAR SUBQUERY 1',
    'SEARCH jobs USING INDEX sqlite_autoindex_jobs_1 (id=?)',
  ]);
});
