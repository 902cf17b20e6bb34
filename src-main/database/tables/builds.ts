/** Owns the types of the tables of packs, builds and caches, and of what keeps them. Columns are snake_case in SQL and camelCase here. */

import type { ColumnType } from 'kysely';
import type { JsonText } from './columns.ts';

export interface PacksTable {
  digest: string;
  artifactId: string;
  kind: 'full' | 'delta';
  baseArtifactId: string | null;
  sizeBytes: number;
  infoHash: string;
  storedAt: number;
  /** Since when its blobs are deleted, or to be deleted; null for a pack that is kept. */
  reclaimedAt: ColumnType<number | null, undefined, number | null>;
  /** Of the pack's bytes, in lowercase hex; null for packs that were made before these were kept. */
  crc32c: string | null;
  md5: string | null;
}

export interface BuildsTable {
  id: string;
  repositoryId: string;
  jobId: string;
  attempt: number;
  revision: string;
  artifactId: string;
  packDigest: string;
  platform: JsonText;
  treeSizeBytes: number;
  fileCount: number;
  start: string | null;
  health: JsonText | null;
  activation: JsonText | null;
  migrations: JsonText | null;
  createdAt: number;
  /** Since when its record is in no store. A later build of the same pack has a record of its own. */
  reclaimedAt: ColumnType<number | null, undefined, number | null>;
  /** Since when a person keeps it. */
  pinnedAt: ColumnType<number | null, undefined, number | null>;
}

/** What may not be reclaimed, before any other row says so. */
export interface PackHoldsTable {
  packDigest: string;
  artifactId: string;
  /** `JOB-ID/ATTEMPT`, or the id of a release. */
  holder: string;
  jobId: string | null;
  attempt: number | null;
  takenAt: number;
}

/** A store that may still have blobs of a reclaimed pack. */
export interface PackRemovalsTable {
  packDigest: string;
  regionId: string;
  artifactId: string;
  begunAt: number | null;
}

export interface CachesTable {
  id: string;
  repositoryId: string;
  name: string;
  key: string;
  /** Only what is `ready` is ever read; all three count against the cap. */
  status: 'writing' | 'ready' | 'removing';
  sizeBytes: number;
  /** Who writes it. */
  workerId: string;
  jobNumber: number;
  createdAt: number;
  usedAt: number;
}

export interface ResultsTable {
  /** Keyed digest of everything that the build was made of. */
  key: string;
  repositoryId: string;
  buildId: string;
  createdAt: number;
}
