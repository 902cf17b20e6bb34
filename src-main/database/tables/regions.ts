/** Owns the types of the tables of regions, copies and stores. Columns are snake_case in SQL and camelCase here. */
import type { ColumnType, Generated } from 'kysely';
import type { StoreAccessView } from '../../contract/store-access.ts';
import type { ReplicaStatus } from '../../contract/views/region.ts';
import type { Flag, JsonText } from './columns.ts';

export interface RegionsTable {
  id: string;
  name: string;
  location: string;
  latitude: number;
  longitude: number;
  storeUrl: string;
  isMain: Flag;
  paused: Flag;
  error: JsonText | null;
  addedAt: number;
  removedAt: number | null;
  /** Copies at once. */
  concurrency: Generated<number>;
  /** What uploads there may take together; null for no limit. */
  bytesPerSecond: ColumnType<number | null, number | null | undefined, number | null>;
  /** Each pack whose checksums the store does not tell is read back once in so many days. */
  auditDays: Generated<number>;
}

export interface ReplicasTable {
  packDigest: string;
  regionId: string;
  status: ReplicaStatus;
  bytesDone: number;
  bytesTotal: number;
  attempts: number;
  nextAttemptAt: number;
  startedAt: number | null;
  verifiedAt: number | null;
  error: JsonText | null;
  /** Where an upload stands, in its adapter's words: sealed under the master key, Base64. */
  resume: ColumnType<string | null, string | null | undefined, string | null>;
}

/** What was last seen of a pack and its documents in a store, the main one too. */
export interface AuditsTable {
  regionId: string;
  packDigest: string;
  /** The version that the pack had when it was proven. */
  packVersion: string | null;
  /** Digest over the versions of the documents when they were proven. */
  documentsVersion: string | null;
  lookedAt: number;
  /** By digest or by the provider's checksums. */
  provenAt: number | null;
}

/** Bytes between this machine and a store, by day. */
export interface TrafficTable {
  regionId: string;
  /** Whole days since 1970, UTC. */
  day: number;
  bytesSent: number;
  bytesRead: number;
}

/** Which regions hold which versions of a repository; without a row, all hold all. */
export interface ReplicationPoliciesTable {
  repositoryId: string;
  /** Ids as a JSON array; null for all. */
  regions: JsonText | null;
  /** The newest so many; null for all. What a channel or a machine uses counts besides. */
  versions: number | null;
}

export interface StoreAccessesTable {
  storeUrl: string;
  kind: StoreAccessView['kind'];
  identity: string;
  sealedAccess: string;
  setAt: number;
}
