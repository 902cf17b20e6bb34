/** Owns the types of the tables of channels, releases and machines. Columns are snake_case in SQL and camelCase here. */
import type { ColumnType, Generated } from 'kysely';
import type { ChannelPolicy } from '../../contract/views/release.ts';
import type { Flag, JsonText } from './columns.ts';

export interface ChannelsTable {
  id: string;
  repositoryId: string;
  name: string;
  policy: ChannelPolicy;
  pausedReason: string | null;
  /** Set while nothing may be released: why. */
  frozenReason: string | null;
  /** A `RolloutRequest`: how releases go over its machines; null for all at once. */
  rollout: JsonText | null;
  currentReleaseId: string | null;
  /** Values were set or removed since the newest version was made of them. */
  valuesChanged: Generated<Flag>;
}

export interface ReleasesTable {
  id: string;
  channelId: string;
  serial: number;
  buildId: string;
  kind: 'auto' | 'promote' | 'rollback';
  reason: string | null;
  previousId: string | null;
  /** Of the channel's values; null for a release without any. */
  environmentVersion: number | null;
  /** Names the encrypted values in the stores; null while the channel has no machine. */
  environmentDigest: string | null;
  /** A `MigrationView`; null for a release without migrations. */
  migration: JsonText | null;
  /** A `Rollout`; null for one that all machines may take at once. */
  rollout: JsonText | null;
  createdAt: number;
  /** Published in regions before their copy was verified; the reason says why. */
  forced: ColumnType<Flag, Flag | undefined, Flag>;
}

export interface MachinesTable {
  id: string;
  repositoryId: string;
  channel: string;
  name: string;
  region: string | null;
  /** The one-time secret, sealed; gone after enrollment. */
  sealedSecret: string | null;
  inviteExpiresAt: number | null;
  enrolledAt: number | null;
  publicKey: string | null;
  ageRecipient: string | null;
  revokedAt: number | null;
  report: JsonText | null;
  reportSequence: number;
  lastReportAt: number | null;
  /** Until the machine reports that it repaired itself since. */
  repairRequestedAt: number | null;
}
