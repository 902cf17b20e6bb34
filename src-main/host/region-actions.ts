/** Owns what a person does with regions. The copying itself is the reconciler's. */

import { v7 as uuidv7 } from 'uuid';
import type { z } from 'zod';
import { DomainError } from '../contract/errors.ts';
import type { EventType } from '../contract/events.ts';
import type { addRegionSchema } from '../contract/region-api.ts';
import type { AuditResult, RegionLimits, ReplicationPolicyView } from '../contract/replication-api.ts';
import { appendEvent } from '../database/events.ts';
import { inTransaction } from '../database/open-database.ts';
import {
  expediteReplicas,
  findRegion,
  findRegionByStore,
  insertRegion,
  type RegionRecord,
  updateRegion,
} from '../database/regions.ts';
import { findRepository } from '../database/repositories.ts';
import { readPolicy, writePolicy } from '../database/wanted-replicas.ts';
import type { Engine } from '../engine.ts';
import { openStore } from '../stores/open-store.ts';
import { assertAccessFits } from '../stores/store-access.ts';
import { canonicalStoreUrl } from '../stores/store-location.ts';

async function mustFind(engine: Engine, id: string): Promise<RegionRecord> {
  const region = await findRegion(engine.db, id);
  if (!region) throw new DomainError('not_found', `There is no region ${id}.`, { id });
  return region;
}

async function mustFindRegional(engine: Engine, id: string): Promise<RegionRecord> {
  const region = await mustFind(engine, id);
  if (region.isMain === 1)
    throw new DomainError('conflict', 'This is the main store; every region is a copy of it.', { id });
  return region;
}

async function record(engine: Engine, type: EventType, region: RegionRecord): Promise<void> {
  await appendEvent(engine.db, { type, at: engine.clock(), subjectId: region.id, data: { name: region.name } });
  engine.feed.nudge();
  engine.reconciler.signal();
}

/** Adds a region after its store has answered. Throws `store.*`; `conflict` when the store serves a region already. */
export async function addRegion(engine: Engine, request: z.output<typeof addRegionSchema>): Promise<RegionRecord> {
  // One spelling for one store, so that it cannot be added twice under two.
  const storeUrl = canonicalStoreUrl(request.storeUrl);
  const { access } = request;
  if (access !== undefined) assertAccessFits(storeUrl, access);
  const store = await openStore(storeUrl, access ?? (await engine.accesses.find(storeUrl)));
  await store.check();
  const known = await findRegionByStore(engine.db, storeUrl);
  if (known) {
    throw new DomainError(
      'conflict',
      `${storeUrl} is the store of "${known.name}" already. Give each region its own.`,
      {
        regionId: known.id,
      },
    );
  }
  const id = uuidv7();
  const row = {
    id,
    name: request.name,
    location: request.location,
    latitude: request.latitude,
    longitude: request.longitude,
    storeUrl,
    isMain: 0 as const,
    paused: 0 as const,
    addedAt: engine.clock(),
  };
  await inTransaction(engine.db, async transaction => {
    await insertRegion(transaction, row);
    if (access !== undefined) await engine.accesses.set(storeUrl, access, transaction);
  });
  engine.stores.forget(storeUrl);
  const region = await mustFind(engine, id);
  await record(engine, 'region.added', region);
  return region;
}

/** Stops replicating to a region; what lies in its store stays there. */
export async function removeRegion(engine: Engine, id: string): Promise<void> {
  const region = await mustFindRegional(engine, id);
  await updateRegion(engine.db, id, { removedAt: engine.clock() });
  await record(engine, 'region.removed', region);
}

export async function setRegionPaused(engine: Engine, id: string, paused: boolean): Promise<RegionRecord> {
  await mustFindRegional(engine, id);
  await updateRegion(engine.db, id, { paused: paused ? 1 : 0 });
  const region = await mustFind(engine, id);
  await record(engine, 'region.changed', region);
  return region;
}

export async function retryRegion(engine: Engine, id: string): Promise<void> {
  const region = await mustFindRegional(engine, id);
  await expediteReplicas(engine.db, id);
  await record(engine, 'region.changed', region);
}

/** Changes what a region's copies may take. Holds at once. */
export async function setRegionLimits(
  engine: Engine,
  id: string,
  change: Partial<RegionLimits>,
): Promise<RegionRecord> {
  const region = await mustFind(engine, id);
  const { concurrency, bytesPerSecond, auditDays } = change;
  const columns = {
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
    ...(auditDays === undefined ? {} : { auditDays }),
  };
  if (Object.keys(columns).length === 0) {
    throw new DomainError('input.invalid', 'Nothing was given to change: concurrency, bytesPerSecond or auditDays.');
  }
  await updateRegion(engine.db, id, columns);
  await record(engine, 'region.changed', region);
  return mustFind(engine, id);
}

/** Looks at all that a store holds, the main one too. Throws `store.*` where it cannot be asked. */
export async function verifyRegion(engine: Engine, id: string, deep: boolean): Promise<AuditResult> {
  const region = await mustFind(engine, id);
  const { audit } = engine.reconciler;
  const target =
    region.isMain === 1
      ? await audit.mainStore()
      : (await engine.stores.regional()).find(candidate => candidate.region.id === id);
  if (!target) throw new DomainError('not_found', `There is no region ${id}.`, { id });
  const result = await audit.verify(target, { deep });
  engine.feed.nudge();
  return result;
}

/** Changes which regions hold which versions of a repository. Throws `not_found` for a region or repository that is not. */
export async function setReplicationPolicy(
  engine: Engine,
  request: Partial<ReplicationPolicyView> & { readonly repositoryId: string },
): Promise<ReplicationPolicyView> {
  const { db } = engine;
  const { repositoryId } = request;
  if (!(await findRepository(db, repositoryId))) {
    throw new DomainError('not_found', `There is no repository ${repositoryId}.`, { repositoryId });
  }
  for (const id of request.regionIds ?? []) await mustFindRegional(engine, id);
  const known = await readPolicy(db, repositoryId);
  const policy = {
    regionIds: request.regionIds === undefined ? known.regionIds : request.regionIds,
    versions: request.versions === undefined ? known.versions : request.versions,
  };
  await writePolicy(db, repositoryId, policy);
  await appendEvent(db, {
    type: 'repository.changed',
    at: engine.clock(),
    repositoryId,
    data: { replication: policy },
  });
  engine.feed.nudge();
  engine.reconciler.signal();
  return policy;
}
