/** Owns what an engine stands on: the data folder under its lock, the database in its thread, the keys, and the main store. */
import { resolve } from 'node:path';
import { type InstanceLock, lockInstance } from './database/instance-lock.ts';
import { type Db, openDatabaseInThread } from './database/open-database.ts';
import { migrateInThread } from './database/thread-connection.ts';
import { systemClock } from './domain/clock.ts';
import { type DataFolder, dataFolder } from './domain/data-folder.ts';
import type { EngineOptions } from './engine.ts';
import { ensureMainRegion, makeFolders, removeLeftovers } from './prepare-data.ts';
import { createGitAccesses } from './queue/git-accesses.ts';
import { createStoreAccesses } from './releases/store-accesses.ts';
import { createKeyProtection } from './secrets/key-protection.ts';
import { openKeyring } from './secrets/keyring.ts';
import { openMasterKey } from './secrets/master-key.ts';
import { findGit } from './sources/git-cli.ts';
import { openStore } from './stores/open-store.ts';

export type Installation = Awaited<ReturnType<typeof openOn>> & {
  /** Lets go of the database and the folder. */
  readonly close: () => Promise<void>;
};

/**
 * Opens the data folder of `options`, brings its database to the newest schema, and clears what a killed engine left. Throws `data.*`,
 * `store.*`, `secret.*`; then nothing is left open.
 */
export async function openInstallation(options: EngineOptions): Promise<Installation> {
  const folder = dataFolder(resolve(options.dataFolder));
  await makeFolders(folder);
  const lock = lockInstance(folder.lockFile, folder.root);
  try {
    return await openLocked(options, folder, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function openLocked(options: EngineOptions, folder: DataFolder, lock: InstanceLock): Promise<Installation> {
  await migrateInThread(folder.databaseFile);
  const db = openDatabaseInThread(folder.databaseFile);
  try {
    const opened = await openOn(db, options, folder);
    return {
      ...opened,
      async close() {
        await db.destroy();
        lock.release();
      },
    };
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

async function openOn(db: Db, options: EngineOptions, folder: DataFolder) {
  const clock = options.clock ?? systemClock;
  await removeLeftovers(db, folder, options.logger);
  const wrap = options.keyWrap ?? null;
  const masterKey = await openMasterKey({ folder: folder.keys, wrap });
  const [keyring, gitPath] = await Promise.all([openKeyring({ folder: folder.keys, masterKey }), findGit()]);
  const keyProtection = createKeyProtection({ folder: folder.keys, masterKey, wrap });
  const mainStoreUrl = await ensureMainRegion(db, folder, clock());
  const accesses = createStoreAccesses({ db, masterKey, clock });
  const gitAccesses = createGitAccesses({ db, masterKey, clock, knownHostsFile: folder.knownHosts });
  const mainStoreAccess = await accesses.find(mainStoreUrl);
  const main = await openStore(mainStoreUrl, mainStoreAccess);
  await main.check();
  return {
    db,
    folder,
    clock,
    masterKey,
    keyring,
    keyProtection,
    gitPath,
    mainStoreUrl,
    mainStoreAccess,
    accesses,
    gitAccesses,
    main,
  };
}
