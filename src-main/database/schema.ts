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
  priority: Generated<Flag>;
  /** A waiting job is not claimed before this; 0: at once. */
  notBefore: Generated<number>;
  automaticRetries: Generated<number>;
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
  jobId: string | null;
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
  currentReleaseId: string | null;
}

export interface ReleasesTable {
  id: string;
  channelId: string;
  serial: number;
  buildId: string;
  kind: 'auto' | 'promote' | 'rollback';
  reason: string | null;
  previousId: string | null;
  environmentDigest: string | null;
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
  events: EventsTable;
}
