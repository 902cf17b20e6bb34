/** Owns the numbered migrations: which exist, which are due, and the refusal of a database from a newer version. */
import type BetterSqlite3 from 'better-sqlite3';
import { DomainError } from '../contract/errors.ts';
import { initialSchema } from './migrations/001-initial.ts';
import { buildEnvironment } from './migrations/002-build-environment.ts';
import { channelEnvironment } from './migrations/003-channel-environment.ts';
import { isolation } from './migrations/004-isolation.ts';
import { caches } from './migrations/005-caches.ts';
import { workerPool } from './migrations/006-worker-pool.ts';
import { queueHeads } from './migrations/007-queue-heads.ts';
import { eventCursors } from './migrations/008-event-cursors.ts';
import { polling } from './migrations/009-polling.ts';
import { storeAccesses } from './migrations/010-store-accesses.ts';
import { retention } from './migrations/011-retention.ts';
import { leanQueue } from './migrations/012-lean-queue.ts';
import { regions } from './migrations/013-regions.ts';
import { packChecksums } from './migrations/014-pack-checksums.ts';
import { gitAccesses } from './migrations/015-git-accesses.ts';
import { activation } from './migrations/016-activation.ts';
import { webhooks } from './migrations/017-webhooks.ts';
import { polledOnce } from './migrations/018-polled-once.ts';
import { webhookKinds } from './migrations/019-webhook-kinds.ts';
import { sources } from './migrations/020-sources.ts';
import { queueLines } from './migrations/021-queue-lines.ts';
import { branchStates } from './migrations/022-branch-states.ts';

/** In order; the number of a migration is its place here, from 1, and is kept in `user_version`. */
const migrations: readonly string[] = [
  initialSchema,
  buildEnvironment,
  channelEnvironment,
  isolation,
  caches,
  workerPool,
  queueHeads,
  eventCursors,
  polling,
  storeAccesses,
  retention,
  leanQueue,
  regions,
  packChecksums,
  gitAccesses,
  activation,
  webhooks,
  polledOnce,
  webhookKinds,
  sources,
  queueLines,
  branchStates,
];

/** The version that this code writes. */
export const newestSchema = migrations.length;

/** The version of a database's schema. Throws `data.newer_version`; nothing of the file has been changed then. */
export function schemaVersion(sqlite: BetterSqlite3.Database): number {
  const version = Number(sqlite.pragma('user_version', { simple: true }));
  if (version > migrations.length) {
    throw new DomainError(
      'data.newer_version',
      `The data folder was written by a newer Slipway (schema ${version}, this one knows ${migrations.length}). Nothing was changed. Start the newer version, or choose another folder with --data.`,
      { schema: version, known: migrations.length },
    );
  }
  return version;
}

/**
 * Brings a database to the newest schema, each migration in a transaction of its own. May be repeated. Throws `data.newer_version`.
 * Leaves foreign keys off, which a table that is made anew needs, and which cannot be turned inside a transaction: the caller turns
 * them on. Source: sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes"
 */
export function migrate(sqlite: BetterSqlite3.Database): void {
  const version = schemaVersion(sqlite);
  if (version === newestSchema) return;
  sqlite.pragma('foreign_keys = OFF');
  // A check may be put in other words, for which the text of the schema is written.
  sqlite.unsafeMode(true);
  migrations.slice(version).forEach((statements, index) => {
    sqlite
      .transaction(() => {
        sqlite.exec(statements);
        sqlite.pragma(`user_version = ${version + index + 1}`);
      })
      .immediate();
  });
  sqlite.unsafeMode(false);
}
