/** Owns the audit: every store looked at little by little, and one as a whole when a person asks. Repairs are the store audit's. */
import { storeKeys } from '../contract/documents.ts';
import { DomainError, messageOf } from '../contract/errors.ts';
import type { AuditFinding, AuditResult } from '../contract/replication-api.ts';
import { type AuditRecord, countAudits, findAudit, listDueAudits, touchAudits } from '../database/audits.ts';
import { findPack, listPacks, type PackRecord } from '../database/builds.ts';
import { errorFromJson, errorToJson } from '../database/json-column.ts';
import { listMachines } from '../database/machines.ts';
import type { Db } from '../database/open-database.ts';
import { listRegions, listReplicasOfRegion, type RegionRecord, updateRegion } from '../database/regions.ts';
import type { Clock } from '../domain/clock.ts';
import { verifyReport } from '../releases/machine-report.ts';
import type { RegionStores } from '../releases/region-stores.ts';
import { maxDocumentBytes } from '../releases/signed-document.ts';
import type { TrustService } from '../releases/trust-service.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { foreignObjects } from './foreign-objects.ts';
import type { RegionDocuments } from './region-documents.ts';
import type { AuditedStore, StoreAudit } from './store-audit.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
/** Each pack is looked at by its head once a day. */
const lookAgainMs = dayMs;
/** A minute's share of a day, and a half more, so that what was missed while the engine slept is made up for. */
const shareOfMinute = (1.5 * minuteMs) / lookAgainMs;
/** At most so many packs of one store in a minute. */
const mostPerMinute = 100;
/** What is read back of one store in a minute, besides the pack that is begun: 4 MiB/s. */
const mostReadPerMinute = 256 * 1024 * 1024;
const maxFindings = 1_000;
/** What lies beside a pack is many small objects: they are looked at on one day in so many, each pack's on another. */
const documentsEveryDays = 4;

function areDocumentsDue(packDigest: string, now: number): boolean {
  return (Number.parseInt(packDigest.slice(0, 8), 16) + Math.floor(now / dayMs)) % documentsEveryDays === 0;
}

export interface RegionAudit {
  /** Looks at what is due in every store that is not paused. For a call a minute; never throws. */
  tick(): Promise<void>;
  /** Looks at all of a store now, and lists what lies there that is not ours. Throws `store.*` where it cannot be asked. */
  verify(target: AuditedStore, options: { readonly deep: boolean }): Promise<AuditResult>;
  /** The main store, for `verify`. Throws `not_found`. */
  mainStore(): Promise<AuditedStore>;
}

export function createRegionAudit(options: {
  readonly db: Db;
  readonly stores: RegionStores;
  readonly audit: StoreAudit;
  readonly documents: RegionDocuments;
  readonly trust: TrustService;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Copies became stale: they are to be made again. */
  readonly onStale: () => void;
}): RegionAudit {
  const { db, stores, audit, documents, clock, logger, signal } = options;

  async function mainStore(): Promise<AuditedStore> {
    const region = (await listRegions(db)).find(candidate => candidate.isMain === 1);
    if (!region) throw new DomainError('not_found', 'There is no main store.');
    return { region, store: stores.main };
  }

  /** One that no copy reaches is left to the copies; what an audit itself has told of a store keeps no audit away. */
  const isAsked = ({ paused, error }: RegionRecord) =>
    paused === 0 && (error === null || errorFromJson(error)?.details.audit === true);

  const isReadDue = (region: RegionRecord, provenAt: number | null) =>
    provenAt === null || Math.abs(clock() - provenAt) > region.auditDays * dayMs;

  /** What could not be repaired stands with its store, until a whole look finds nothing of the kind. */
  async function tellFailures(
    { region }: AuditedStore,
    findings: readonly AuditFinding[],
    isWhole: boolean,
  ): Promise<void> {
    const failed = findings.filter(finding => finding.action === 'failed');
    const [first] = failed;
    if (first) {
      const more = failed.length > 1 ? ` and ${failed.length - 1} more` : '';
      const message = `${first.key}${more} in ${region.storeUrl}: ${first.detail}; ${first.done}. Then verify ${region.name} again.`;
      const error = new DomainError('artifact.digest_mismatch', message, { audit: true });
      await updateRegion(db, region.id, { error: errorToJson(error) });
    } else if (isWhole && errorFromJson(region.error)?.details.audit === true) {
      await updateRegion(db, region.id, { error: null });
    }
  }

  /** What is due of one store. It ends where the store cannot be asked: the next minute may do better. */
  async function lookAtDue(target: AuditedStore): Promise<void> {
    const { region } = target;
    const now = clock();
    const limit = Math.min(mostPerMinute, Math.ceil((await countAudits(db, region.id)) * shareOfMinute));
    let bytesRead = 0;
    const unchanged: string[] = [];
    const rows = await listDueAudits(db, { regionId: region.id, before: now - lookAgainMs, limit });
    for (const row of rows) {
      signal.throwIfAborted();
      const deep = isReadDue(region, row.provenAt);
      // Most of what is looked at is as it was: that costs one head, and all of them one statement.
      if (!deep && !areDocumentsDue(row.packDigest, now) && (await isPackUnchanged(target, row))) {
        unchanged.push(row.packDigest);
        continue;
      }
      const pack = await findPack(db, row.packDigest);
      if (!pack || pack.reclaimedAt !== null) continue;
      const look = await audit.lookAtPack(target, pack, { deep });
      for (const finding of look.findings) logger.warn('audit.found', { region: region.name, ...finding });
      if (look.findings.some(finding => finding.action === 'queued')) options.onStale();
      await tellFailures(target, look.findings, false);
      bytesRead += look.bytesRead;
      if (bytesRead > mostReadPerMinute) break;
    }
    await touchAudits(db, region.id, unchanged, now);
  }

  async function isPackUnchanged({ store }: AuditedStore, row: AuditRecord): Promise<boolean> {
    const head = await store.head(storeKeys.pack(row.packDigest));
    return head !== null && head.version === row.packVersion;
  }

  /** The packs that a store should hold. */
  async function packsOf({ region }: AuditedStore): Promise<PackRecord[]> {
    const packs = await listPacks(db);
    if (region.isMain === 1) return packs;
    const replicas = await listReplicasOfRegion(db, region.id);
    const verified = new Set(
      replicas.filter(({ status }) => status === 'verified').map(({ packDigest }) => packDigest),
    );
    return packs.filter(({ digest }) => verified.has(digest));
  }

  /** Reports are the machines' own: nobody else can sign one, so what is damaged waits for the next. */
  async function auditReports(store: BlobStore): Promise<{ documents: number; findings: AuditFinding[] }> {
    const findings: AuditFinding[] = [];
    const machines = (await listMachines(db)).filter(
      ({ enrolledAt, revokedAt }) => enrolledAt !== null && revokedAt === null,
    );
    for (const { id, repositoryId } of machines) {
      const key = storeKeys.report(repositoryId, id);
      try {
        const found = await store.read(key, maxDocumentBytes);
        if (found) verifyReport(found.bytes, options.trust.current, { repositoryId });
      } catch (error) {
        const isContent =
          error instanceof DomainError && (error.code === 'store.malformed' || error.code.startsWith('trust.'));
        if (!isContent) throw error;
        const done = 'the machine writes it again with its next report';
        findings.push({ key, problem: 'damaged', detail: messageOf(error), action: 'reported', done });
      }
    }
    return { documents: machines.length, findings };
  }

  async function verify(target: AuditedStore, { deep }: { readonly deep: boolean }): Promise<AuditResult> {
    const findings: AuditFinding[] = [];
    const packs = await packsOf(target);
    const regionId = target.region.isMain === 1 ? null : target.region.id;
    let [damaged, looked, bytesRead] = [0, 0, 0];
    for (const pack of packs) {
      signal.throwIfAborted();
      const known = await findAudit(db, target.region.id, pack.digest);
      const look = await audit.lookAtPack(target, pack, {
        deep: deep || isReadDue(target.region, known?.provenAt ?? null),
      });
      findings.push(...look.findings);
      if (look.findings.some(({ key }) => key === storeKeys.pack(pack.digest))) damaged += 1;
      looked += look.documents;
      bytesRead += look.bytesRead;
    }
    for (const part of [await documents.audit(target.store, regionId, signal), await auditReports(target.store)]) {
      findings.push(...part.findings);
      looked += part.documents;
    }
    for await (const key of foreignObjects(db, target.store, options.trust.current, signal)) {
      const done = 'left as it is: Slipway deletes nothing that it has not written';
      findings.push({ key, problem: 'foreign', detail: 'nothing here names it', action: 'reported', done });
    }
    if (findings.some(finding => finding.action === 'queued')) options.onStale();
    await tellFailures(target, findings, true);
    return {
      checked: packs.length,
      damaged,
      documents: looked,
      bytesRead,
      findings: findings.slice(0, maxFindings),
      moreFindings: Math.max(0, findings.length - maxFindings),
    };
  }

  return {
    mainStore,
    verify,
    async tick() {
      try {
        const targets = [await mainStore(), ...(await stores.regional())].filter(({ region }) => isAsked(region));
        // Side by side: one that is slow holds up no other.
        await Promise.all(
          targets.map(target =>
            lookAtDue(target).catch(error => {
              if (!signal.aborted) logger.warn('audit.not_finished', { region: target.region.name, error });
            }),
          ),
        );
      } catch (error) {
        if (!signal.aborted) logger.error('audit.failed', { error });
      }
    },
  };
}
