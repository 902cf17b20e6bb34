/**
 * Owns the recorded run of the queue: `node record-queue.ts FOLDER ACKNOWLEDGEMENTS JOBS full|off`. After every call that came
 * back it writes down, outside of the folder, that it holds the acknowledgement, and the digest of what the database then holds.
 */
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import {
  addRepository,
  addSteps,
  addWorkerRow,
  type ClaimedJob,
  claimNextJob,
  endAttempt,
  enqueue,
  oneStep,
  openDatabase,
  publishBuild,
  recordStep,
} from '../crash/queue-under-test.ts';
import { stateDigest } from './database-state.ts';

const [folder = '', acknowledgements = '', jobs = '0', synchronous = 'full'] = process.argv.slice(2);
/** In pages: a checkpoint every few transactions, where SQLite's 1,000 would need a long recording for each. */
const checkpointPages = 40;

const output = openSync(acknowledgements, 'a');
const file = join(folder, 'slipway.db');
const db = openDatabase(file, { migrateSchema: true });
const acknowledge = async () => writeSync(output, `${await stateDigest(db)}\n`);
await acknowledge();

const worker = openDatabase(file, { migrateSchema: false });
for (const connection of [db, worker]) {
  await sql.raw(`pragma wal_autocheckpoint = ${checkpointPages}`).execute(connection);
  if (synchronous === 'off') await sql.raw('pragma synchronous = off').execute(connection);
}
for (const repository of ['a', 'b']) {
  await addRepository(db, repository);
  await acknowledge();
}
const identity = await addWorkerRow(db);
await acknowledge();
let next: ClaimedJob | null = null;
for (let place = 0; place < Number(jobs); place += 1) {
  await enqueue(db, place % 3 === 0 ? 'a' : 'b', place);
  await acknowledge();
  if (place % 5 === 4) continue;
  const claimed: ClaimedJob | null = next ?? (await claimNextJob(worker, identity, Date.now()));
  if (!claimed) throw new Error('there was nothing to claim');
  if (!next) await acknowledge();
  await addSteps(worker, claimed.token, [oneStep], null);
  await acknowledge();
  for (const status of ['running', 'succeeded'] as const) {
    await recordStep(worker, claimed.token, claimed.job.repositoryId, 0, { status }, { name: oneStep.name, at: place });
    await acknowledge();
  }
  const publish = publishBuild(claimed, Date.now());
  const result = { status: 'succeeded' as const, error: null, now: Date.now(), publish };
  // As a worker does: mostly with the next claim, where there is something to claim.
  next = await endAttempt(worker, claimed, result, place % 3 === 0 ? null : identity);
  await acknowledge();
}
await worker.destroy();
await db.destroy();
