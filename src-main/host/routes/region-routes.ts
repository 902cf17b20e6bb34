/** Owns the routes of regions, stores and the disk. */
import { listRegions } from '../../database/regions.ts';
import { readPolicy } from '../../database/wanted-replicas.ts';
import type { Engine } from '../../engine.ts';
import { clearHomes } from '../../queue/build-homes.ts';
import { cachesView, clearCaches, setCacheLimit } from '../../queue/cache-space.ts';
import { removeStoreAccess, setStoreAccess } from '../access-actions.ts';
import { diskUse, keepBuilds, reclaimDisk } from '../disk-actions.ts';
import {
  addRegion,
  removeRegion,
  retryRegion,
  setRegionLimits,
  setRegionPaused,
  setReplicationPolicy,
  verifyRegion,
} from '../region-actions.ts';
import { regionView, replicationView } from '../views/region-views.ts';
import { type ApiImplementer, done } from './implement-api.ts';

export function regionRoutes(os: ApiImplementer, engine: Engine) {
  const { db } = engine;
  return {
    regions: {
      list: os.regions.list.handler(async () =>
        Promise.all((await listRegions(db)).map(region => regionView(engine, region))),
      ),
      add: os.regions.add.handler(async ({ input }) => regionView(engine, await addRegion(engine, input))),
      remove: os.regions.remove.handler(async ({ input }) => {
        await removeRegion(engine, input.id);
        return done;
      }),
      setPaused: os.regions.setPaused.handler(async ({ input }) =>
        regionView(engine, await setRegionPaused(engine, input.id, input.paused)),
      ),
      replication: os.regions.replication.handler(({ input }) => replicationView(engine, input)),
      retry: os.regions.retry.handler(async ({ input }) => {
        await retryRegion(engine, input.id);
        return done;
      }),
      setLimits: os.regions.setLimits.handler(async ({ input: { id, ...change } }) =>
        regionView(engine, await setRegionLimits(engine, id, change)),
      ),
      verify: os.regions.verify.handler(({ input }) => verifyRegion(engine, input.id, input.deep)),
    },
    replicationPolicy: {
      get: os.replicationPolicy.get.handler(({ input }) => readPolicy(db, input.repositoryId)),
      set: os.replicationPolicy.set.handler(({ input }) => setReplicationPolicy(engine, input)),
    },
    storeAccess: {
      list: os.storeAccess.list.handler(async () => [...(await engine.accesses.list())]),
      set: os.storeAccess.set.handler(({ input }) => setStoreAccess(engine, input)),
      remove: os.storeAccess.remove.handler(async ({ input }) => {
        await removeStoreAccess(engine, input.storeUrl);
        return done;
      }),
    },
    disk: {
      use: os.disk.use.handler(() => diskUse(engine)),
      plan: os.disk.plan.handler(() => engine.retention.plan()),
      reclaim: os.disk.reclaim.handler(({ input }) => reclaimDisk(engine, input.packs)),
      keep: os.disk.keep.handler(async ({ input }) => {
        await keepBuilds(engine, input);
        return done;
      }),
    },
    caches: {
      list: os.caches.list.handler(({ input }) => cachesView(db, input.repositoryId)),
      clear: os.caches.clear.handler(async ({ input }) => {
        await clearHomes(db, engine.folder, input.repositoryId);
        return clearCaches(db, engine.folder, input.repositoryId);
      }),
      setLimit: os.caches.setLimit.handler(async ({ input }) => {
        await setCacheLimit(db, engine.folder, input.limitBytes);
        return cachesView(db);
      }),
    },
  };
}
