/** Owns what the interface, the CLI and scripts read: plain views of the engine's state. Times are UTC milliseconds. */
import { z } from 'zod';
import { migrationViewSchema } from './activation.ts';
import { bytesBySourceSchema, channelNameSchema, idSchema, machinePhaseSchema } from './documents.ts';
import { errorViewSchema } from './errors.ts';
import { buildDefaultsSchema, isolationLevelSchema, isolationUsedSchema } from './isolation.ts';
import { evidenceSchema, phaseSchema, planSchema } from './plan.ts';
import { regionLimitsSchema, trafficSchema } from './replication-api.ts';
import { rolloutRequestSchema, rolloutSchema } from './rollout.ts';
import { waitingReasonSchema } from './waiting.ts';

const time = z.number().int().nonnegative();
const bytes = z.number().nonnegative();

/** The five states that carry every other, one shape and one colour each. */
export const visualStateSchema = z.enum(['failed', 'stale', 'running', 'verified', 'pending']);
export type VisualState = z.infer<typeof visualStateSchema>;

export const jobStatusSchema = z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled', 'interrupted']);
export type JobStatus = z.infer<typeof jobStatusSchema>;

export const triggerSchema = z.enum(['poll', 'manual', 'added']);
export type Trigger = z.infer<typeof triggerSchema>;

export const replicaStatusSchema = z.enum(['pending', 'copying', 'verified', 'stale', 'failed']);
export type ReplicaStatus = z.infer<typeof replicaStatusSchema>;

export const channelPolicySchema = z.enum(['manual', 'auto']);
export type ChannelPolicy = z.infer<typeof channelPolicySchema>;

export const revisionViewSchema = z.object({
  revision: z.string(),
  subject: z.string(),
  authorName: z.string(),
  committedAtMs: time.nullable(),
});
export type RevisionView = z.infer<typeof revisionViewSchema>;

export const stageNameSchema = z.enum(['commit', 'queue', 'build', 'store', 'regions', 'machines']);
export type StageName = z.infer<typeof stageNameSchema>;

/** One stage of the commit-to-machine track. `passed` is grey; `verified` is the green end. */
export const stageViewSchema = z.object({
  stage: stageNameSchema,
  state: z.enum(['ahead', 'running', 'passed', 'verified', 'failed', 'stale']),
  startedAtMs: time.nullable(),
  finishedAtMs: time.nullable(),
  /** Regions verified or machines switched, of how many; null where the stage has no parts. */
  done: z.number().int().nullable(),
  total: z.number().int().nullable(),
  /** 0 to 1, null where unknown. */
  progress: z.number().min(0).max(1).nullable(),
  /** A few words where the state needs them: `test failed`, `1st in line`. */
  note: z.string().nullable(),
});
export type StageView = z.infer<typeof stageViewSchema>;

export const stepViewSchema = z.object({
  index: z.number().int().nonnegative(),
  name: z.string(),
  phase: z.union([phaseSchema, z.enum(['checkout', 'plan', 'toolchain', 'cache', 'pack', 'publish'])]),
  /** The command line, or null for a step of Slipway's own. */
  command: z.string().nullable(),
  status: z.enum(['pending', 'running', 'succeeded', 'failed', 'skipped']),
  startedAtMs: time.nullable(),
  finishedAtMs: time.nullable(),
  exitCode: z.number().int().nullable(),
  /** Byte offset in the attempt's log at which the step begins. */
  logOffset: bytes.nullable(),
  /** One line: `1,214 files, 38 MiB`. */
  detail: z.string().nullable(),
  evidence: z.array(evidenceSchema),
});
export type StepView = z.infer<typeof stepViewSchema>;

export const jobSummarySchema = z.object({
  id: idSchema,
  /** A small number for people, unique in the installation. */
  number: z.number().int().positive(),
  repositoryId: idSchema,
  repositoryName: z.string(),
  branch: z.string(),
  revision: revisionViewSchema,
  trigger: triggerSchema,
  status: jobStatusSchema,
  attempt: z.number().int().nonnegative(),
  workerName: z.string().nullable(),
  queuedAtMs: time,
  startedAtMs: time.nullable(),
  finishedAtMs: time.nullable(),
  error: errorViewSchema.nullable(),
  /** The step that runs now, or that failed. */
  currentStep: z.string().nullable(),
  /** Place in the whole queue, from 1; null unless queued, and for one that more than 10,000 are in front of. */
  position: z.number().int().positive().nullable(),
  /** Why it waits; null unless queued. */
  waitingFor: waitingReasonSchema.nullable(),
  /** When it should start (queued) or end (running), from history; null where there is none. */
  etaMs: time.nullable(),
});
export type JobSummary = z.infer<typeof jobSummarySchema>;

/** What is known of the end of a lost worker, as the details of the error `worker.lost`. */
export const lossViewSchema = z.object({
  reason: z.string(),
  exitCode: z.number().nullable(),
  signal: z.string().nullable(),
  /** The step that ran. */
  step: z.string().nullable(),
  /** How long the sign that was missed had not come; null where the process simply ended. */
  silentMs: time.nullable(),
  /** The most that the worker and its descendants took during the job, looked at once a second. */
  peakMemoryBytes: bytes.nullable(),
  /** The end of the worker's own stderr. */
  lastOutput: z.string(),
  /** The end of the attempt's log. */
  logTail: z.string(),
});
export type LossView = z.infer<typeof lossViewSchema>;

/** Of a build. */
const keepingShape = {
  /** Since when its pack is not kept any more; build the revision again to have it. */
  reclaimedAtMs: time.nullable(),
  /** Since when a person keeps it. */
  pinnedAtMs: time.nullable(),
};

export const attemptViewSchema = z.object({
  attempt: z.number().int().positive(),
  workerName: z.string(),
  startedAtMs: time,
  finishedAtMs: time.nullable(),
  outcome: z.enum(['running', 'succeeded', 'failed', 'cancelled', 'lost']),
  error: errorViewSchema.nullable(),
  /** What it runs under; null until that is decided, and for attempts of before it was recorded. */
  isolation: isolationUsedSchema.nullable(),
  /** Of a lost attempt. */
  loss: lossViewSchema.nullable(),
});
export type AttemptView = z.infer<typeof attemptViewSchema>;

export const jobDetailSchema = jobSummarySchema.extend({
  steps: z.array(stepViewSchema),
  attempts: z.array(attemptViewSchema),
  track: z.array(stageViewSchema),
  plan: planSchema.nullable(),
  logSizeBytes: bytes,
  build: z
    .object({
      id: idSchema,
      artifactId: z.string(),
      packDigest: z.string(),
      sizeBytes: bytes,
      treeSizeBytes: bytes,
      ...keepingShape,
    })
    .nullable(),
});
export type JobDetail = z.infer<typeof jobDetailSchema>;

export const logChunkSchema = z.object({
  /** Whole lines where possible; sanitised text with ANSI colours. */
  text: z.string(),
  offset: bytes,
  nextOffset: bytes,
  totalBytes: bytes,
  /** No more will be written. */
  complete: z.boolean(),
  /** Since when it is not kept any more; its text is empty then. */
  reclaimedAtMs: time.nullable(),
});
export type LogChunk = z.infer<typeof logChunkSchema>;

export const channelSummarySchema = z.object({
  id: idSchema,
  name: channelNameSchema,
  policy: channelPolicySchema,
  /** Set while auto is paused: why. */
  pausedReason: z.string().nullable(),
  /** Set while nothing may be released on it: why. */
  frozenReason: z.string().nullable(),
  /** How its releases go over its machines; null for all at once. */
  rollout: rolloutRequestSchema.nullable(),
  serial: z.number().int().positive().nullable(),
  revision: z.string().nullable(),
  artifactId: z.string().nullable(),
  machinesOnIt: z.number().int().nonnegative(),
  machinesTotal: z.number().int().nonnegative(),
});
export type ChannelSummary = z.infer<typeof channelSummarySchema>;

/** How the jobs of a repository are queued. */
export const queueSettingsSchema = z.object({
  /** Jobs that may run at once. More than one: a newer revision may be ready before an older one. */
  concurrency: z.number().int().min(1).max(64),
  /** A newly polled revision cancels the polled ones that still wait. */
  supersede: z.boolean(),
  /** How often a job is tried again by itself when what failed may pass by itself. */
  retryLimit: z.number().int().min(0).max(10),
});
export type QueueSettings = z.infer<typeof queueSettingsSchema>;

/** How often a repository is looked at. */
export const pollingSchema = z.object({
  /** What a person chose; null for the installation's. */
  chosenMs: time.nullable(),
  /** What it is now. */
  everyMs: time,
  /** The server that it lies on, `https://github.com`. */
  host: z.string(),
  /** How many times slower than usual its host lets it be; 1 is the usual pace. */
  stretch: z.number().min(1),
  /** Its host asked not to be asked before. */
  heldUntilMs: time.nullable(),
});
export type Polling = z.infer<typeof pollingSchema>;

export const repositoryRowSchema = z.object({
  id: idSchema,
  name: z.string(),
  url: z.string(),
  branch: z.string(),
  state: visualStateSchema,
  /** What the state means in words: `test failed`, `afloat`, `cannot be reached`. */
  stateText: z.string(),
  pollError: errorViewSchema.nullable(),
  checkupAtMs: time.nullable(),
  nextPollAtMs: time.nullable(),
  polling: pollingSchema,
  addedAtMs: time,
  latestJob: jobSummarySchema.nullable(),
  /** Queued jobs of this repository besides the latest, counted to 10,000. */
  moreWaiting: z.number().int().nonnegative(),
  queue: queueSettingsSchema,
  track: z.array(stageViewSchema),
  channels: z.array(channelSummarySchema),
});
export type RepositoryRow = z.infer<typeof repositoryRowSchema>;

export const releaseViewSchema = z.object({
  id: idSchema,
  repositoryId: idSchema,
  channel: channelNameSchema,
  serial: z.number().int().positive(),
  kind: z.enum(['auto', 'promote', 'rollback']),
  buildId: idSchema,
  artifactId: z.string(),
  revision: revisionViewSchema,
  reason: z.string().nullable(),
  /** Regions published it before their copy was verified. */
  forced: z.boolean(),
  createdAtMs: time,
  /** Which values of the channel it runs with; null for none. */
  environmentVersion: z.number().int().positive().nullable(),
  current: z.boolean(),
  machinesOnIt: z.number().int().nonnegative(),
  /** Since when its build's pack is not kept any more: no channel can go back to it. */
  reclaimedAtMs: time.nullable(),
  /** Null for a release that brings none. */
  migration: migrationViewSchema.nullable(),
  /** Null for one that all machines could take at once. */
  rollout: rolloutSchema.nullable(),
});
export type ReleaseView = z.infer<typeof releaseViewSchema>;

export const buildViewSchema = z.object({
  id: idSchema,
  jobId: idSchema,
  repositoryId: idSchema,
  repositoryName: z.string(),
  revision: revisionViewSchema,
  artifactId: z.string(),
  packDigest: z.string(),
  infoHash: z.string(),
  sizeBytes: bytes,
  treeSizeBytes: bytes,
  fileCount: z.number().int().nonnegative(),
  platform: z.string(),
  createdAtMs: time,
  regionsVerified: z.number().int().nonnegative(),
  regionsTotal: z.number().int().nonnegative(),
  ...keepingShape,
});
export type BuildView = z.infer<typeof buildViewSchema>;

/** What an SBOM lists, in numbers: its document may have many megabytes. */
export const sbomViewSchema = z.object({
  buildId: idSchema,
  /** SHA-256 of the document, as the signed build record states it. */
  digest: z.string(),
  sizeBytes: bytes,
  componentCount: z.number().int().nonnegative(),
  /** By type of package URL (`npm`, `cargo`), the most first; empty for a document above 4 MiB. */
  types: z.array(z.object({ type: z.string(), count: z.number().int().positive() })),
  /** Lock files that could not be read, with the reason. */
  unread: z.array(z.string()),
});
export type SbomView = z.infer<typeof sbomViewSchema>;

export const repositoryDetailSchema = repositoryRowSchema.extend({
  jobs: z.array(jobSummarySchema),
  builds: z.array(buildViewSchema),
  releases: z.array(releaseViewSchema),
  plan: planSchema.nullable(),
});
export type RepositoryDetail = z.infer<typeof repositoryDetailSchema>;

export const replicaViewSchema = z.object({
  packDigest: z.string(),
  buildId: idSchema,
  regionId: idSchema,
  status: replicaStatusSchema,
  bytesDone: bytes,
  bytesTotal: bytes,
  bytesPerSecond: bytes.nullable(),
  attempts: z.number().int().nonnegative(),
  nextAttemptAtMs: time.nullable(),
  startedAtMs: time.nullable(),
  verifiedAtMs: time.nullable(),
  /** Time behind the main store: from the pack's arrival there until verified here, or until now. */
  lagMs: time,
  error: errorViewSchema.nullable(),
});
export type ReplicaView = z.infer<typeof replicaViewSchema>;

export const regionViewSchema = z.object({
  id: idSchema,
  /** Also the place's name on the map: `Frankfurt`. */
  name: z.string(),
  /** The provider's word: `europe-west3`. */
  location: z.string(),
  latitude: z.number().min(-90).max(90),
  longitude: z.number().min(-180).max(180),
  storeUrl: z.string(),
  provider: z.string(),
  isMain: z.boolean(),
  paused: z.boolean(),
  state: visualStateSchema,
  packCount: z.number().int().nonnegative(),
  bytesStored: bytes,
  /** Packs that should be here and are not verified. */
  behind: z.number().int().nonnegative(),
  behindBytes: bytes,
  /** How long the oldest of them has been in the main store; 0 without any. */
  lagMs: time,
  /** Of all copies that are under way; null without any. */
  bytesPerSecond: bytes.nullable(),
  /** Until all of `behind` is here at that rate; null where nothing moves. */
  etaMs: time.nullable(),
  limits: regionLimitsSchema,
  /** Between this machine and the store. */
  traffic: z.object({ today: trafficSchema, days30: trafficSchema }),
  /** When anything here was last looked at, and when what was proven longest ago was proven; null where something never was. */
  audit: z.object({ lookedAtMs: time.nullable(), oldestProofAtMs: time.nullable() }),
  error: errorViewSchema.nullable(),
});
export type RegionView = z.infer<typeof regionViewSchema>;

export const replicationViewSchema = z.object({
  regions: z.array(regionViewSchema),
  /** Newest first. */
  artifacts: z.array(buildViewSchema.extend({ replicas: z.array(replicaViewSchema) })),
});
export type ReplicationView = z.infer<typeof replicationViewSchema>;

export const machineViewSchema = z.object({
  id: idSchema,
  repositoryId: idSchema,
  repositoryName: z.string(),
  channel: channelNameSchema,
  name: z.string(),
  region: z.string().nullable(),
  state: visualStateSchema,
  /** `paired` machines have not written their first report; `invited` ones have not enrolled. */
  phase: z.union([machinePhaseSchema, z.enum(['invited', 'paired'])]),
  serial: z.number().int().positive().nullable(),
  targetSerial: z.number().int().positive().nullable(),
  /** Releases behind the channel; 0 is no drift. */
  behind: z.number().int().nonnegative(),
  artifactId: z.string().nullable(),
  health: z.enum(['unknown', 'healthy', 'unhealthy']),
  message: z.string().nullable(),
  progress: z.number().min(0).max(1).nullable(),
  bytes: bytesBySourceSchema,
  lastReportAtMs: time.nullable(),
  silent: z.boolean(),
  agentVersion: z.string().nullable(),
  /** Names of the channel's values that the running release got. */
  environmentNames: z.array(z.string()),
  timeline: z.array(z.object({ phase: machinePhaseSchema, atMs: time })),
  /** The newest release that did not come up here; its evidence can be read. */
  evidenceSerial: z.number().int().positive().nullable(),
  /** What of the release that runs is not as it was installed; null for nothing that was seen. */
  drift: z.string().nullable(),
  /** Since when a repair is asked for; null for none. */
  repairRequestedAtMs: time.nullable(),
  /** Artifacts that lie there: going back to them fetches nothing. */
  kept: z.array(z.string()),
});
export type MachineView = z.infer<typeof machineViewSchema>;

export const torrentViewSchema = z.object({
  infoHash: z.string(),
  packDigest: z.string(),
  repositoryName: z.string(),
  revision: z.string(),
  sizeBytes: bytes,
  peers: z.number().int().nonnegative(),
  uploadedBytes: bytes,
  downloadedBytes: bytes,
  uploadBytesPerSecond: bytes,
  downloadBytesPerSecond: bytes,
});
export type TorrentView = z.infer<typeof torrentViewSchema>;

export const swarmViewSchema = z.object({
  running: z.boolean(),
  paused: z.boolean(),
  /** When a pause ends by itself. */
  pausedUntilMs: z.number().int().nullable(),
  port: z.number().int().nullable(),
  uploadBytesPerSecond: bytes,
  downloadBytesPerSecond: bytes,
  uploadedBytes: bytes,
  torrents: z.array(torrentViewSchema),
  /** Summed over the newest report of every machine. */
  bytes: bytesBySourceSchema,
  error: errorViewSchema.nullable(),
});
export type SwarmView = z.infer<typeof swarmViewSchema>;

/** Whether jobs are taken: `paused` keeps the processes, `drained` ends each as soon as it has no job. */
export const workerModeSchema = z.enum(['running', 'paused', 'drained']);
export type WorkerMode = z.infer<typeof workerModeSchema>;

export const workerViewSchema = z.object({
  id: idSchema,
  name: z.string(),
  pid: z.number().int().nullable(),
  state: z.enum(['starting', 'idle', 'busy', 'leaving']),
  /** Why it leaves. */
  leaving: z.string().nullable(),
  /** What it is at. */
  work: z.string().nullable(),
  jobId: idSchema.nullable(),
  jobsDone: z.number().int().nonnegative(),
  startedAtMs: time,
  checkupAtMs: time,
  memoryBytes: bytes.nullable(),
});
export type WorkerView = z.infer<typeof workerViewSchema>;

export const poolViewSchema = z.object({
  mode: workerModeSchema,
  wanted: z.number().int().nonnegative(),
  sizeReason: z.string(),
  onBattery: z.boolean().nullable(),
  workers: z.array(workerViewSchema),
});
export type PoolView = z.infer<typeof poolViewSchema>;

export const engineStatusSchema = z.object({
  version: z.string(),
  host: z.enum(['desktop', 'headless']),
  dataFolder: z.string(),
  rootPublicKey: z.string(),
  startedAtMs: time,
  nowMs: time,
  eventCursor: z.number().int().nonnegative(),
  polling: z.object({
    repositories: z.number().int().nonnegative(),
    failing: z.number().int().nonnegative(),
    lastPollAtMs: time.nullable(),
    intervalMs: time,
  }),
  workers: z.object({
    busy: z.number().int().nonnegative(),
    total: z.number().int().nonnegative(),
    /** No job is taken: paused, draining or drained. */
    paused: z.boolean(),
    mode: workerModeSchema,
    /** How many there should be, and why so many. */
    wanted: z.number().int().nonnegative(),
    sizeReason: z.string(),
  }),
  swarm: z.object({ uploadBytesPerSecond: bytes, downloadBytesPerSecond: bytes, torrents: z.number().int() }),
  problems: z.array(errorViewSchema),
});
export type EngineStatus = z.infer<typeof engineStatusSchema>;

export const overviewSchema = z.object({
  repositories: z.array(repositoryRowSchema),
  running: z.array(jobSummarySchema),
  waiting: z.array(jobSummarySchema),
  deploysToday: z.number().int().nonnegative(),
  /** Commit to all machines, over the last 50 releases; null without any. */
  medianJourneyMs: time.nullable(),
  p95JourneyMs: time.nullable(),
});
export type Overview = z.infer<typeof overviewSchema>;

const preflightCheckSchema = z.object({
  state: z.enum(['ok', 'warning', 'blocked']),
  title: z.string(),
  detail: z.string(),
});

/** A release that was just made, with what its pre-flight found against it. */
export const madeReleaseSchema = releaseViewSchema.extend({ warnings: z.array(preflightCheckSchema) });
export type MadeRelease = z.infer<typeof madeReleaseSchema>;

export const preflightSchema = z.object({
  channel: channelNameSchema,
  from: z.object({ serial: z.number(), revision: revisionViewSchema }).nullable(),
  to: z.object({ buildId: idSchema, revision: revisionViewSchema, releasedAsSerial: z.number().nullable() }),
  nextSerial: z.number().int().positive(),
  /** Regions that publish it only when their copy is verified, unless it is forced. */
  unverifiedRegions: z.number().int().nonnegative(),
  checks: z.array(preflightCheckSchema),
});
export type Preflight = z.infer<typeof preflightSchema>;

/** What adding a repository would do, shown before anything is saved. */
export const repositoryInspectionSchema = z.object({
  url: z.string(),
  name: z.string(),
  defaultBranch: z.string().nullable(),
  branches: z.array(z.object({ name: z.string(), revision: z.string() })),
  /** Null until a branch is chosen, or where the plan cannot be made: then `planError` says why. */
  plan: planSchema.nullable(),
  planError: errorViewSchema.nullable(),
});
export type RepositoryInspection = z.infer<typeof repositoryInspectionSchema>;

export const pairingSchema = z.object({
  machineId: idSchema,
  /** What to run on the machine, with the one-time secret in it. Shown once. */
  command: z.string(),
  secret: z.string(),
  expiresAtMs: time,
});
export type Pairing = z.infer<typeof pairingSchema>;

export const isolationViewSchema = z.object({
  /** Every level, and why one does not work on the machine of the engine. */
  levels: z.array(
    z.object({
      level: isolationLevelSchema,
      reason: z.string().nullable(),
      /** False for a container engine that answers and has no image to start. */
      isTried: z.boolean(),
    }),
  ),
  defaults: buildDefaultsSchema,
  repositories: z.array(z.object({ repositoryId: idSchema, name: z.string(), level: z.string() })),
});
export type IsolationView = z.infer<typeof isolationViewSchema>;
