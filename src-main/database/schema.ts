/** Owns the types of the tables as Kysely sees them. Columns are snake_case in SQL and camelCase here. */
import type { ColumnType, Generated } from 'kysely';
import type { GitAccessView } from '../contract/git-access.ts';
import type { StoreAccessView } from '../contract/store-access.ts';
import type { ChannelPolicy, JobStatus, ReplicaStatus, Trigger } from '../contract/views.ts';

/** JSON kept as text; written and read by the statement files. */
type JsonText = string;
/** SQLite has no boolean. */
type Flag = 0 | 1;

export interface RepositoriesTable {
  id: string;
  name: string;
  vcs: 'git';
  url: string;
  branch: string;
  /** The current revision where it is not the newest job's, else null. */
  seenRevision: ColumnType<string | null, string | null | undefined, string | null>;
  checkupAt: number | null;
  nextPollAt: number;
  pollFailures: number;
  pollError: JsonText | null;
  /** What a person chose; null for the installation's. */
  pollIntervalMs: ColumnType<number | null, number | null | undefined, number | null>;
  addedAt: number;
  removedAt: number | null;
  /** What a person chose for its builds: `auto`, `none`, `bubblewrap`; null for what the installation has. */
  isolation: ColumnType<string | null, string | null | undefined, string | null>;
  /** How many of its jobs may run at once. */
  concurrency: Generated<number>;
  /** A newly polled revision cancels the polled ones that wait. */
  supersede: Generated<Flag>;
  /** How often a job that failed by itself is tried again by itself. */
  retryLimit: Generated<number>;
  /** Of how many of its newest builds the packs are kept; null for what the installation keeps. */
  keptBuilds: ColumnType<number | null, number | null | undefined, number | null>;
}

export interface JobsTable {
  number: Generated<number>;
  id: string;
  repositoryId: string;
  revision: string;
  subject: string;
  authorName: string;
  committedAt: number | null;
  seenAt: number;
  trigger: Trigger;
  status: ColumnType<JobStatus, JobStatus, JobStatus>;
  queuedAt: number;
  attempt: number;
  lostCount: number;
  /** Who runs it, or ran it last; null while it waits and after its worker was lost. */
  workerId: string | null;
  startedAt: number | null;
  finishedAt: number | null;
  checkupAt: number | null;
  cancelRequestedAt: number | null;
  error: JsonText | null;
  plan: JsonText | null;
  /** Nothing that an earlier build left is used. */
  withoutCache: Generated<Flag>;
  priority: Generated<Flag>;
  /** A waiting job is not claimed before this; 0: at once. */
  notBefore: Generated<number>;
  automaticRetries: Generated<number>;
  /** `,12,15`: the cursors of its events. Written by the queue with the rest of the row, and else by a trigger on events. */
  eventCursors: Generated<string>;
  /** What the newest attempt runs under, once that was decided. */
  isolation: ColumnType<JsonText | null, JsonText | null | undefined, JsonText | null>;
}

/** What a claim may take, one row per repository. Written by triggers on jobs and repositories, and by nobody else. */
export interface QueueHeadsTable {
  repositoryId: string;
  /** The number of the first waiting job. */
  head: number | null;
  /** The head's. */
  notBefore: number | null;
  /** The number of the last waiting job with priority: the line is lifted up to it. */
  liftedTo: number | null;
  running: number;
  cap: number;
  /** Whether fewer run than may. */
  hasRoom: Flag;
  /** `,12,15`: those of the jobs that run. */
  runningNumbers: string;
}

/** A view of what the heads name. */
export interface RunningJobsTable {
  number: number;
}

/** A view: the newest attempt lies in the row of its job, those before it in a table. */
export interface AttemptsTable {
  jobId: string;
  attempt: number;
  workerId: string;
  workerName: string;
  startedAt: number;
  finishedAt: number | null;
  outcome: 'running' | 'succeeded' | 'failed' | 'cancelled' | 'lost';
  error: JsonText | null;
  /** What it ran under, once that was decided. */
  isolation: JsonText | null;
}

/** Those that a later attempt, or a lost worker, took the place of. */
export interface EarlierAttemptsTable extends AttemptsTable {
  finishedAt: number;
}

/** Logs that are not kept any more. */
export interface ReclaimedLogsTable {
  jobId: string;
  attempt: number;
  at: number;
}

export interface StepsTable {
  jobId: string;
  attempt: number;
  position: number;
  name: string;
  phase: string;
  command: string | null;
  idempotent: Flag;
  status: 'pending' | 'running' | 'succeeded' | 'failed' | 'skipped';
  startedAt: number | null;
  finishedAt: number | null;
  exitCode: number | null;
  logOffset: number | null;
  detail: string | null;
  evidence: JsonText;
}

export interface WorkersTable {
  id: string;
  name: string;
  pid: number;
  startedAt: number;
  checkupAt: number;
  /** Of the process and its descendants: at its last checkup, and the most of the job that it runs or ran last. */
  memoryBytes: number | null;
  peakMemoryBytes: number | null;
  stoppedAt: number | null;
  exit: JsonText | null;
}

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

export interface SettingsTable {
  key: string;
  value: string;
}

export interface VariablesTable {
  repositoryId: string;
  name: string;
  value: string;
  setAt: number;
}

export interface SecretsTable {
  repositoryId: string;
  name: string;
  /** Sealed under the master key, Base64. */
  sealedValue: string;
  setAt: number;
}

export interface StoreAccessesTable {
  storeUrl: string;
  kind: StoreAccessView['kind'];
  identity: string;
  sealedAccess: string;
  setAt: number;
}

export interface GitAccessesTable {
  /** With its port, where that is not the scheme's own. */
  host: string;
  kind: GitAccessView['kind'];
  userName: string | null;
  /** Sealed under the master key, Base64; null where the person's own git is asked. */
  sealedToken: string | null;
  setAt: number;
}

export interface ChannelValuesTable {
  channelId: string;
  name: string;
  isSecret: Flag;
  /** As it is, or sealed under the master key in Base64 for a secret. */
  value: string;
  setAt: number;
}

export interface ChannelEnvironmentsTable {
  channelId: string;
  version: number;
  /** All values as JSON, sealed under the master key, Base64. */
  sealedValues: string;
  createdAt: number;
}

export interface EnvironmentSealsTable {
  /** SHA-256 of the ciphertext. */
  digest: string;
  channelId: string;
  version: number;
  /** The age recipients that can open it, sorted. */
  recipients: JsonText;
  /** Base64. */
  ciphertext: string;
  sealedAt: number;
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

export interface EventsTable {
  cursor: Generated<number>;
  at: number;
  type: string;
  repositoryId: string | null;
  jobId: string | null;
  subjectId: string | null;
  data: JsonText;
  /** The writer has put the cursor into the job's row itself; else a trigger does. */
  inJob: Generated<Flag>;
}

export interface Schema {
  repositories: RepositoriesTable;
  jobs: JobsTable;
  queueHeads: QueueHeadsTable;
  runningJobs: RunningJobsTable;
  attempts: AttemptsTable;
  earlierAttempts: EarlierAttemptsTable;
  reclaimedLogs: ReclaimedLogsTable;
  steps: StepsTable;
  workers: WorkersTable;
  packs: PacksTable;
  builds: BuildsTable;
  packHolds: PackHoldsTable;
  packRemovals: PackRemovalsTable;
  regions: RegionsTable;
  replicas: ReplicasTable;
  audits: AuditsTable;
  traffic: TrafficTable;
  replicationPolicies: ReplicationPoliciesTable;
  channels: ChannelsTable;
  releases: ReleasesTable;
  machines: MachinesTable;
  settings: SettingsTable;
  variables: VariablesTable;
  secrets: SecretsTable;
  storeAccesses: StoreAccessesTable;
  gitAccesses: GitAccessesTable;
  channelValues: ChannelValuesTable;
  channelEnvironments: ChannelEnvironmentsTable;
  environmentSeals: EnvironmentSealsTable;
  caches: CachesTable;
  results: ResultsTable;
  events: EventsTable;
}
