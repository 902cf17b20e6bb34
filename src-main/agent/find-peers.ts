/** Owns who else may have a pack, as the signed reports in the stores say. Knows no connection. */
import { storeKeys, type Trust } from '../contract/documents.ts';
import { messageOf } from '../contract/errors.ts';
import { verifyReport } from '../releases/machine-report.ts';
import { seederKey, verifySeeder } from '../releases/seeder-document.ts';
import { keyIdOf } from '../secrets/signing-keys.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface Peer {
  readonly host: string;
  readonly port: number;
}

/** A report has some kilobytes. */
const maxReportBytes = 64 * 1024;
/** Reports are read to find a few peers, not to know them all. */
const maxReports = 500;
const maxPeers = 50;
/** Machines report every 30 s: one silent for this long is gone, or its clock is wrong, and trying it costs time. */
const staleReportMs = 10 * 60_000;

interface Found extends Peer {
  /** Lower is nearer: own region, control center, elsewhere. */
  readonly rank: number;
}

async function* documentKeys(store: BlobStore, repositoryId: string): AsyncGenerator<string> {
  let count = 0;
  for await (const { key } of store.list(storeKeys.machines(repositoryId))) {
    const name = key.slice(storeKeys.machines(repositoryId).length);
    if (name.includes('/') || !name.endsWith('.json') || name.endsWith('.enroll.json')) continue;
    if (++count > maxReports) return;
    yield key;
  }
}

/** Trackers that control centers name in the stores. Documents that do not verify are passed over, and so are stores that do not answer. */
export async function findTrackers(options: {
  readonly stores: readonly BlobStore[];
  readonly trust: Trust;
  readonly repositoryId: string;
  readonly logger: Logger;
}): Promise<readonly string[]> {
  const { stores, trust, repositoryId, logger } = options;
  const found = new Set<string>();
  for (const store of stores) {
    try {
      for (const { publicKey } of trust.releaseKeys) {
        const document = await store.read(seederKey(repositoryId, keyIdOf(publicKey)), maxReportBytes);
        if (document === null) continue;
        for (const url of verifySeeder(document.bytes, trust, { repositoryId }).trackers ?? []) found.add(url);
      }
    } catch (error) {
      logger.debug('agent.trackers_not_read', { store: store.url, reason: messageOf(error) });
    }
  }
  return [...found];
}

/**
 * Peers that seed `infoHash`: machines of the own region first, then control centers, then the rest, at most 50. Documents
 * that do not verify, or are old, are passed over, and so are stores that do not answer.
 */
export async function findPeers(options: {
  readonly stores: readonly BlobStore[];
  readonly trust: Trust;
  readonly repositoryId: string;
  readonly infoHash: string;
  readonly region: string | null;
  /** Left out: this machine. */
  readonly machineId: string;
  readonly nowMs: number;
  readonly logger: Logger;
}): Promise<readonly Peer[]> {
  const { stores, trust, repositoryId, infoHash, region, machineId, nowMs, logger } = options;
  const peersIn = (key: string, bytes: Uint8Array): Found[] => {
    if (key.includes('/seeder-')) {
      const seeder = verifySeeder(bytes, trust, { repositoryId });
      return seeder.seeding.includes(infoHash) ? seeder.peers.map(peer => ({ ...peer, rank: 1 })) : [];
    }
    const report = verifyReport(bytes, trust, { repositoryId });
    const isUseful =
      report.machineId !== machineId &&
      report.seeding.includes(infoHash) &&
      nowMs - report.reportedAtMs < staleReportMs;
    return isUseful ? report.peers.map(peer => ({ ...peer, rank: report.region === region ? 0 : 2 })) : [];
  };
  const found: Found[] = [];
  for (const store of stores) {
    try {
      for await (const key of documentKeys(store, repositoryId)) {
        try {
          const document = await store.read(key, maxReportBytes);
          if (document !== null) found.push(...peersIn(key, document.bytes));
        } catch (error) {
          logger.debug('agent.report_ignored', { key, reason: messageOf(error) });
        }
      }
    } catch (error) {
      logger.warn('agent.peers_not_listed', { store: store.url, reason: messageOf(error) });
    }
  }
  found.sort((a, b) => a.rank - b.rank);
  const unique = new Map(found.map(({ host, port }) => [`${host} ${port}`, { host, port }]));
  return [...unique.values()].slice(0, maxPeers);
}
