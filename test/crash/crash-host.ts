/** Owns the host process of a crash history: the product's worker pool on a database thread, and a poller's enqueueing. */
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../src-main/contract/errors.ts';
import { lockInstance } from '../../src-main/database/instance-lock.ts';
import { openMasterKey } from '../../src-main/secrets/master-key.ts';
import { createLogger } from '../../src-main/telemetry/logger.ts';
import { hostSettingsSchema, toHostSchema } from './host-messages.ts';
import { armKillPoint } from './kill-points.ts';
import { placesIn } from './places.ts';
import { createPool, type Db, enqueue, openDatabaseInThread } from './queue-under-test.ts';
import { appendLine } from './side-log.ts';

const settings = hostSettingsSchema.parse(JSON.parse(process.argv[2] ?? '{}'));
const places = placesIn(settings.folder);
const lookEveryMs = 20;
/** Enough that no worker waits for a job, and few enough that enqueueing goes on until the end. */
const maxQueued = 3 * settings.repositories.length;

const lock = lockInstance(places.lock, settings.folder);
const db = openDatabaseInThread(places.database);
const logger = createLogger({ write: line => process.stderr.write(line) });
const pool = createPool({
  db,
  databaseFile: places.database,
  folder: settings.folder,
  masterKey: await openMasterKey({ folder: join(settings.folder, 'keys') }),
  size: settings.workers,
  program: fileURLToPath(new URL('./crash-worker.ts', import.meta.url)),
  logger,
});
let enqueueing = true;

async function queuedCount(database: Db): Promise<number> {
  const row = await database
    .selectFrom('jobs')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('status', '=', 'queued')
    .executeTakeFirstOrThrow();
  return row.count;
}

/** The place up to which every repository's revisions are queued for sure; a poll that was killed is repeated from there. */
async function firstUnqueued(database: Db): Promise<number> {
  const row = await database
    .selectFrom('jobs')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Math.max(0, Math.floor(row.count / settings.repositories.length) - 1);
}

async function enqueueAll(): Promise<void> {
  for (let place = await firstUnqueued(db); place < settings.revisions; place += 1) {
    while (!enqueueing || (await queuedCount(db)) > maxQueued) await new Promise(done => setTimeout(done, lookEveryMs));
    for (const repositoryId of settings.repositories) {
      if (await enqueue(db, repositoryId, place)) appendLine(places.acknowledged, `${repositoryId} ${place}`);
    }
    pool.wake();
  }
}

process.on('message', raw => {
  const message = toHostSchema.parse(raw);
  if (message.type === 'arm') {
    enqueueing = message.during === 'any';
    armKillPoint(message.points);
    return;
  }
  enqueueing = false;
  void (async () => {
    await pool.stop();
    await db.destroy();
    lock.release();
    process.exit(0);
  })();
});

// A driver that was interrupted leaves nobody behind: the workers end with their host.
process.on('disconnect', () => process.exit(1));
await pool.start();
flushCompileCache();
process.send?.('ready');
await enqueueAll().catch(error => {
  logger.error('enqueue.failed', { error: messageOf(error) });
  process.exit(1);
});
