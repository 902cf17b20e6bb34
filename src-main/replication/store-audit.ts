/** Owns the look at what a store holds of the packs: what is wrong is repaired from a good copy, in the main store too, and reported. */
import { storeKeys } from '../contract/documents.ts';
import { DomainError, messageOf } from '../contract/errors.ts';
import type { AuditFinding } from '../contract/replication-api.ts';
import { findAudit, writeAudit } from '../database/audits.ts';
import { findPack, type PackRecord, packChecksums } from '../database/builds.ts';
import { appendEvent } from '../database/events.ts';
import type { Db } from '../database/open-database.ts';
import { expeditePack, findReplica, listHolders, type RegionRecord, updateReplica } from '../database/regions.ts';
import { addTraffic } from '../database/traffic.ts';
import type { Clock } from '../domain/clock.ts';
import type { RegionStores } from '../releases/region-stores.ts';
import type { TrustService } from '../releases/trust-service.ts';
import type { BlobHead, BlobStore } from '../stores/blob-store.ts';
import { restoreDocument } from './copy-pack.ts';
import { documentKeys, documentsOfPack, type Problem, versionsOf } from './pack-documents.ts';
import { problemByDigest, proofOfHead } from './pack-proof.ts';
import { type Staging, transfer } from './transfer.ts';

/** A store with the region that it serves, the main one too. */
export interface AuditedStore {
  readonly region: RegionRecord;
  readonly store: BlobStore;
}

export interface PackLook {
  readonly findings: readonly AuditFinding[];
  readonly documents: number;
  readonly bytesRead: number;
}

export interface StoreAudit {
  /**
   * Looks at a pack and its documents. What has not been written since it was proven counts as right, unless `deep`; and what the
   * provider's checksums prove is never read. Throws `store.*` where the store cannot be asked.
   */
  lookAtPack(target: AuditedStore, pack: PackRecord, options: { readonly deep: boolean }): Promise<PackLook>;
}

export function createStoreAudit(options: {
  readonly db: Db;
  readonly stores: RegionStores;
  readonly trust: TrustService;
  readonly staging: Staging;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onEvent: () => void;
}): StoreAudit {
  const { db, stores, staging, clock, signal } = options;

  /** Stores that should hold the pack, besides `target`: the main one first. */
  async function sourcesFor(target: AuditedStore, pack: PackRecord): Promise<AuditedStore['store'][]> {
    const holders = await listHolders(db, pack.digest);
    const regional = (await stores.regional()).filter(({ region }) => holders.has(region.id));
    const all = [stores.main, ...regional.map(({ store }) => store)];
    return all.filter(store => store.url !== target.store.url);
  }

  const transferOptions = (onRead: (bytes: number) => void) => ({
    staging,
    signal,
    throttle: async () => undefined,
    onSent: () => undefined,
    onRead,
  });

  async function markStale(target: AuditedStore, pack: PackRecord, found: string): Promise<void> {
    const replica = await findReplica(db, pack.digest, target.region.id);
    if (replica?.status !== 'verified') return;
    // `verifiedAt` stays: it is when the region had caught up, which the lag and the timeline are made of.
    await updateReplica(db, replica, { status: 'stale', nextAttemptAt: 0, bytesDone: 0 });
    await appendEvent(db, {
      type: 'replica.stale',
      at: clock(),
      subjectId: target.region.id,
      data: { packDigest: pack.digest, found },
    });
    options.onEvent();
  }

  /** Copies the pack of the main store back from a region whose copy holds. */
  async function restoreMain(
    target: AuditedStore,
    pack: PackRecord,
    onRead: (bytes: number) => void,
  ): Promise<string | null> {
    const key = storeKeys.pack(pack.digest);
    for (const source of await sourcesFor(target, pack)) {
      try {
        const proof = proofOfHead(pack, await source.head(key));
        if (proof.kind === 'wrong') continue;
        const put = { ...transferOptions(onRead), sha256: pack.digest, checksums: packChecksums(pack) };
        const head = await transfer([source], target.store, key, put);
        const isProven = proofOfHead(pack, head).kind === 'proven';
        if (isProven || (await problemByDigest(target.store, pack, signal, onRead)) === null) return source.url;
      } catch (error) {
        // A region that is damaged or out of reach: the next one may serve.
        if (!(error instanceof DomainError)) throw error;
        if (error.code === 'store.full' || error.code === 'store.forbidden') throw error;
      }
    }
    return null;
  }

  async function mend(
    target: AuditedStore,
    pack: PackRecord,
    { problem, detail }: Problem,
    onRead: (bytes: number) => void,
  ): Promise<AuditFinding> {
    const finding = { key: storeKeys.pack(pack.digest), problem, detail };
    if (target.region.isMain === 0) {
      await markStale(target, pack, detail);
      return { ...finding, action: 'queued', done: 'it is copied again' };
    }
    if ((await findPack(db, pack.digest))?.reclaimedAt !== null) {
      return { ...finding, action: 'reported', done: 'it was reclaimed meanwhile' };
    }
    const from = await restoreMain(target, pack, onRead);
    if (from === null) {
      const done = 'no region has a good copy; build the revision again';
      return { ...finding, action: 'failed', done };
    }
    await expeditePack(db, pack.digest);
    return { ...finding, action: 'repaired', done: `copied back from ${from}` };
  }

  async function lookAtDocuments(
    target: AuditedStore,
    pack: PackRecord,
    onRead: (bytes: number) => void,
  ): Promise<AuditFinding[]> {
    const sources = await sourcesFor(target, pack);
    const findings: AuditFinding[] = [];
    for (const document of await documentsOfPack(db, pack, options.trust.current, [target.store, ...sources])) {
      const problem = await document.problemIn(target.store, signal);
      if (problem === null) continue;
      const finding = { key: document.key, problem: problem.problem, detail: problem.detail };
      try {
        const isRestored = await restoreDocument(document, sources, target.store, transferOptions(onRead));
        findings.push(
          isRestored
            ? { ...finding, action: 'repaired', done: 'written again from a good copy' }
            : { ...finding, action: 'failed', done: 'no other store has it right; build the revision again' },
        );
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        findings.push({ ...finding, action: 'failed', done: messageOf(error) });
      }
    }
    return findings;
  }

  /** What is wrong with the pack itself, and whether this look proved it. */
  async function judge(
    target: AuditedStore,
    pack: PackRecord,
    head: BlobHead | null,
    look: { readonly isUnchanged: boolean; readonly onRead: (bytes: number) => void },
  ): Promise<{ readonly problem: Problem | null; readonly isProven: boolean }> {
    const proof = proofOfHead(pack, head);
    if (proof.kind === 'wrong') return { problem: proof.problem, isProven: false };
    if (proof.kind === 'proven') return { problem: null, isProven: true };
    if (look.isUnchanged) return { problem: null, isProven: false };
    return { problem: await problemByDigest(target.store, pack, signal, look.onRead), isProven: true };
  }

  return {
    async lookAtPack(target, pack, { deep }) {
      let bytesRead = 0;
      const onRead = (bytes: number) => {
        bytesRead += bytes;
      };
      const { region, store } = target;
      const findings: AuditFinding[] = [];
      const known = await findAudit(db, region.id, pack.digest);
      const key = storeKeys.pack(pack.digest);
      const keys = await documentKeys(db, pack);
      try {
        const head = await store.head(key);
        const isUnchanged = !deep && known?.packVersion === head?.version && known?.provenAt != null;
        const { problem, isProven } = await judge(target, pack, head, { isUnchanged, onRead });
        if (problem) findings.push(await mend(target, pack, problem, onRead));
        const documentsVersion = await versionsOf(store, keys);
        if (deep || known?.documentsVersion !== documentsVersion) {
          findings.push(...(await lookAtDocuments(target, pack, onRead)));
        }
        const isWhole = findings.every(finding => finding.action === 'repaired');
        const provenAt = isProven || problem ? clock() : (known?.provenAt ?? null);
        await writeAudit(db, {
          regionId: region.id,
          packDigest: pack.digest,
          // What was repaired has another version: it is looked at again, from the beginning, the next time.
          packVersion: findings.length === 0 ? (head?.version ?? null) : null,
          documentsVersion: findings.length === 0 ? documentsVersion : null,
          lookedAt: clock(),
          provenAt: isWhole ? provenAt : null,
        });
      } finally {
        await addTraffic(db, region.id, clock(), { bytesSent: 0, bytesRead });
      }
      return { findings, documents: keys.length, bytesRead };
    },
  };
}
