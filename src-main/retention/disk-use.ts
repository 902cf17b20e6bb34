/** Owns how much disk each kind of data takes: packs by the database, the rest by looking, a little at a time. */
import { lstat, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Tasks } from '../artifacts/tasks.ts';
import { type DiskKind, type DiskUse, diskKindSchema } from '../contract/disk.ts';
import { storeKeys } from '../contract/documents.ts';
import { settingsOf } from '../contract/settings.ts';
import { listCaches } from '../database/caches.ts';
import type { Db } from '../database/open-database.ts';
import { listRegions } from '../database/regions.ts';
import { listRepositories } from '../database/repositories.ts';
import { listRemovals } from '../database/retention.ts';
import { readAllSettings } from '../database/settings.ts';
import type { Clock } from '../domain/clock.ts';
import type { DataFolder } from '../domain/data-folder.ts';
import { isPinned } from '../domain/retention.ts';
import { readBuildDefaults } from '../queue/build-defaults.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import { type Decision, type DescribedPack, decide, describePacks } from './reclaim-plan.ts';
import { diskSpace } from './retention.ts';
import { packsOfPointers } from './store-names.ts';

/** Files that are looked at at once; the engine's own reads wait behind them. */
const concurrentLooks = 8;
/** Within this time nothing is looked at again. */
const freshMs = 30_000;
/** What a block of `stat` is. Source: stat(2), `st_blocks`. */
const statBlockBytes = 512;

export interface DiskUseMeter {
  /** What was measured lately, or measures; several callers share one look. */
  read(): Promise<DiskUse>;
  /** The next call looks again. */
  forget(): void;
}

/** What a file, or a folder with all below it, takes on the disk; links are not followed, and what goes meanwhile counts as none. */
export async function sizeOnDisk(path: string): Promise<number> {
  const facts = await lstat(path).catch(() => null);
  if (facts === null) return 0;
  // Windows counts no blocks.
  let sizeBytes = facts.blocks === undefined ? facts.size : facts.blocks * statBlockBytes;
  if (!facts.isDirectory()) return sizeBytes;
  const tasks = new Tasks(concurrentLooks);
  const folders: string[] = [];
  for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
    const below = join(path, entry.name);
    if (entry.isDirectory()) folders.push(below);
    else
      await tasks.add(async () => {
        // Two steps: others add to the sum while this one waits.
        const own = await sizeOnDisk(below);
        sizeBytes += own;
      });
  }
  await tasks.finish();
  for (const folder of folders) sizeBytes += await sizeOnDisk(folder);
  return sizeBytes;
}

interface Measured {
  readonly atMs: number;
  readonly files: ReadonlyMap<DiskKind, number>;
}

const nothing = () => ({ packs: 0, sizeBytes: 0 });
type Share = ReturnType<typeof nothing>;

function add(share: Share, sizeBytes: number): void {
  share.packs += 1;
  share.sizeBytes += sizeBytes;
}

function byRepository(
  decision: Decision,
  packs: Iterable<DescribedPack>,
  keptBuilds: ReadonlyMap<string, number | null>,
): DiskUse['repositories'] {
  const shares = new Map<string, DiskUse['repositories'][number]>();
  for (const pack of packs) {
    const { repositoryId, repositoryName: name } = pack;
    if (repositoryId === null) continue;
    const known = shares.get(repositoryId) ?? {
      repositoryId,
      name,
      keptBuilds: keptBuilds.get(repositoryId) ?? null,
      pinned: nothing(),
      kept: nothing(),
      reclaimable: nothing(),
      deltas: nothing(),
    };
    shares.set(repositoryId, known);
    const reasons = decision.reasons.get(pack.digest) ?? [];
    if (pack.kind === 'delta') add(known.deltas, pack.sizeBytes);
    if (reasons.length === 0) add(known.reclaimable, pack.sizeBytes);
    else if (pack.kind === 'full') add(isPinned(reasons) ? known.pinned : known.kept, pack.sizeBytes);
  }
  return [...shares.values()].sort((a, b) => a.name.localeCompare(b.name));
}

export function createDiskUse(options: {
  readonly db: Db;
  readonly main: BlobStore;
  readonly folder: DataFolder;
  readonly clock: Clock;
}): DiskUseMeter {
  const { db, main, folder, clock } = options;
  let measured: Measured | null = null;
  let measuring: Promise<Measured> | null = null;

  async function look(): Promise<Measured> {
    const files = new Map<DiskKind, number>();
    const places: readonly (readonly [DiskKind, readonly string[]])[] = [
      ['logs', [folder.logs]],
      ['mirrors', [folder.mirrors]],
      ['homes', [folder.homes]],
      ['work', [folder.work]],
      ['database', ['', '-wal', '-shm'].map(suffix => `${folder.databaseFile}${suffix}`)],
      ['engineLog', [folder.engineLog, folder.olderEngineLog]],
    ];
    for (const [kind, paths] of places) {
      let sizeBytes = 0;
      for (const path of paths) sizeBytes += await sizeOnDisk(path);
      files.set(kind, sizeBytes);
    }
    const trust = main.localPath(storeKeys.trust);
    files.set('documents', trust === null ? 0 : await sizeOnDisk(dirname(trust)));
    const at = { atMs: clock(), files };
    measured = at;
    return at;
  }

  async function fresh(): Promise<Measured> {
    if (measured !== null && Math.abs(clock() - measured.atMs) < freshMs) return measured;
    measuring ??= look().finally(() => {
      measuring = null;
    });
    return measuring;
  }

  async function storeRows(): Promise<DiskUse['stores']> {
    const removals = await listRemovals(db);
    const copies = await db
      .selectFrom('replicas')
      .select(({ fn }) => ['regionId', fn.countAll<number>().as('packs'), fn.sum<number>('bytesTotal').as('sizeBytes')])
      .where('status', '=', 'verified')
      .groupBy('regionId')
      .execute();
    const own = await db
      .selectFrom('packs')
      .select(({ fn }) => [fn.countAll<number>().as('packs'), fn.sum<number | null>('sizeBytes').as('sizeBytes')])
      .where('reclaimedAt', 'is', null)
      .executeTakeFirstOrThrow();
    return (await listRegions(db)).map(({ id, name, isMain }) => {
      const held = isMain === 1 ? own : copies.find(copy => copy.regionId === id);
      const waiting = nothing();
      for (const removal of removals) if (removal.regionId === id) add(waiting, removal.sizeBytes);
      return {
        regionId: id,
        name,
        isMain: isMain === 1,
        packs: held?.packs ?? 0,
        sizeBytes: held?.sizeBytes ?? 0,
        waiting,
      };
    });
  }

  return {
    forget() {
      measured = null;
    },
    async read() {
      const { atMs, files } = await fresh();
      // What the main store cannot say is shown as if it named nothing; to reclaim asks it again.
      const named = await packsOfPointers(main).catch(() => new Set<string>());
      const decision = await decide(db, named, clock());
      const packs = [...(await describePacks(db, decision)).values()];
      const sum = (kind: DescribedPack['kind']) =>
        packs.filter(pack => pack.kind === kind).reduce((total, pack) => total + pack.sizeBytes, 0);
      const stores = await storeRows();
      const waiting = stores.find(store => store.isMain)?.waiting.sizeBytes ?? 0;
      const repositories = await listRepositories(db);
      const caches = (await listCaches(db)).reduce((total, cache) => total + cache.sizeBytes, 0);
      const sizeOf: Readonly<Record<DiskKind, number>> = {
        packs: sum('full') + waiting,
        deltas: sum('delta'),
        documents: Math.max(0, (files.get('documents') ?? 0) - sum('full') - sum('delta') - waiting),
        logs: files.get('logs') ?? 0,
        mirrors: files.get('mirrors') ?? 0,
        caches,
        homes: files.get('homes') ?? 0,
        work: files.get('work') ?? 0,
        database: files.get('database') ?? 0,
        engineLog: files.get('engineLog') ?? 0,
      };
      const space = await diskSpace(folder.root);
      return {
        measuredAtMs: atMs,
        totalBytes: space?.totalBytes ?? null,
        freeBytes: space?.freeBytes ?? null,
        keepFreeBytes: (await readBuildDefaults(db)).keepFreeBytes,
        mirrorLimitBytes: settingsOf(await readAllSettings(db))['sources.mirrorBytes'],
        kinds: diskKindSchema.options.map(kind => ({ kind, sizeBytes: sizeOf[kind] })),
        repositories: byRepository(decision, packs, new Map(repositories.map(row => [row.id, row.keptBuilds]))),
        stores,
      };
    },
  };
}
