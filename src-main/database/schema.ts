/** Owns the types of the tables as Kysely sees them. Columns are snake_case in SQL and camelCase here. */
import type { ColumnType, Generated } from 'kysely';
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
  currentRevision: string | null;
  checkupAt: number | null;
  nextPollAt: number;
  pollFailures: number;
  pollError: JsonText | null;
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
  /** `,12,15`: the cursors of its events. Written by a trigger on events, and by nobody else. */
  eventCursors: Generated<string>;
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
}

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
  isolation: ColumnType<JsonText | null, JsonText | null | undefined, JsonText | null>;
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
}

export interface Schema {
  repositories: RepositoriesTable;
  jobs: JobsTable;
  queueHeads: QueueHeadsTable;
  attempts: AttemptsTable;
  steps: StepsTable;
  workers: WorkersTable;
  packs: PacksTable;
  builds: BuildsTable;
  regions: RegionsTable;
  replicas: ReplicasTable;
  channels: ChannelsTable;
  releases: ReleasesTable;
  machines: MachinesTable;
  settings: SettingsTable;
  variables: VariablesTable;
  secrets: SecretsTable;
  channelValues: ChannelValuesTable;
  channelEnvironments: ChannelEnvironmentsTable;
  environmentSeals: EnvironmentSealsTable;
  caches: CachesTable;
  results: ResultsTable;
  events: EventsTable;
}
