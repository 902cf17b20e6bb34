/** Owns the shapes of what lies in a store: file list, packs, build record, trust, pointer, report. Not how they are signed. */
import { z } from 'zod';
import { activationSchema, migrationSchema, migrationStateSchema } from './activation.ts';
import { isolationUsedSchema } from './isolation.ts';
import { healthCheckSchema } from './plan.ts';

export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');
export const infoHashSchema = z.string().regex(/^[0-9a-f]{40}$/, 'expected 40 lower-case hex digits');
export const idSchema = z.uuid();
export const channelNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'use lower-case letters, digits and dashes, at most 63');
const timeSchema = z.number().int().nonnegative();
const sizeSchema = z.number().int().nonnegative();

/** One entry of an artifact's file list. Directories are entries only when empty. Paths use `/`, never start with it. */
export const fileEntrySchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('file'),
    path: z.string(),
    executable: z.boolean(),
    sizeBytes: sizeSchema,
    sha256: sha256Schema,
  }),
  z.object({ kind: z.literal('link'), path: z.string(), target: z.string() }),
  z.object({ kind: z.literal('directory'), path: z.string() }),
]);
export type FileEntry = z.infer<typeof fileEntrySchema>;

export const packSchema = z.object({
  /** SHA-256 of the pack's bytes. */
  digest: sha256Schema,
  kind: z.enum(['full', 'delta']),
  artifactId: sha256Schema,
  baseArtifactId: sha256Schema.nullable(),
  sizeBytes: sizeSchema,
  infoHash: infoHashSchema,
});
export type Pack = z.infer<typeof packSchema>;

export const platformSchema = z.object({
  os: z.string(),
  arch: z.string(),
  /** `glibc`, `musl`, or null where the question does not arise. */
  libc: z.string().nullable(),
});
export type Platform = z.infer<typeof platformSchema>;

/** A DSSE envelope. Source: https://github.com/secure-systems-lab/dsse/blob/master/envelope.md */
export const envelopeSchema = z.object({
  payloadType: z.string(),
  payload: z.base64(),
  signatures: z.array(z.object({ keyid: z.string(), sig: z.base64() })).min(1),
});
export type Envelope = z.infer<typeof envelopeSchema>;

/** An Ed25519 public key: raw 32 bytes in base64url; its id is the SHA-256 of those bytes in hex. */
export const publicKeySchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'expected 32 bytes in base64url');

export const enrolledMachineSchema = z.object({
  machineId: idSchema,
  repositoryId: idSchema,
  channel: channelNameSchema,
  name: z.string(),
  region: z.string().nullable(),
  publicKey: publicKeySchema,
  /** age recipient that environments are encrypted to. */
  ageRecipient: z.string(),
  enrolledAtMs: timeSchema,
  revokedAtMs: timeSchema.nullable(),
});
export type EnrolledMachine = z.infer<typeof enrolledMachineSchema>;

export const trustSchema = z.object({
  type: z.literal('slipway.trust/v1'),
  /** Grows with every change; a machine refuses a lower one. */
  serial: z.number().int().positive(),
  rootPublicKey: publicKeySchema,
  issuedAtMs: timeSchema,
  releaseKeys: z.array(
    z.object({
      publicKey: publicKeySchema,
      name: z.string(),
      addedAtMs: timeSchema,
      revokedAtMs: timeSchema.nullable(),
    }),
  ),
  machines: z.array(enrolledMachineSchema),
});
export type Trust = z.infer<typeof trustSchema>;

export const pointerSchema = z.object({
  type: z.literal('slipway.pointer/v1'),
  repositoryId: idSchema,
  channel: channelNameSchema,
  /** Grows with every release of the channel, rollbacks included. */
  serial: z.number().int().positive(),
  releaseId: idSchema,
  buildId: idSchema,
  revision: z.string(),
  artifactId: sha256Schema,
  platform: platformSchema,
  packs: z.array(packSchema).min(1),
  /** Which values of the channel the release runs with; left out by a release without any. */
  environmentVersion: z.number().int().positive().optional(),
  /** Null also while no machine could open the values: there is none yet. */
  environmentDigest: sha256Schema.nullable(),
  previous: z.object({ serial: z.number().int().positive(), artifactId: sha256Schema }).nullable(),
  start: z.string().nullable(),
  health: healthCheckSchema.nullable(),
  /** Left out where there is nothing to say, so that the pointer is the same as before there was any of it. */
  activation: activationSchema.optional(),
  /** Run once for this release before it is switched to; a rollback has none. */
  migrations: z.array(migrationSchema).min(1).max(100).optional(),
  /** Ids of the machines that may take it now; left out: all. It only grows, under one serial. */
  rollout: z.object({ machines: z.array(idSchema).max(100_000) }).optional(),
  /** Machines that a person wants repaired, each until it reports that it was. */
  repairs: z.array(z.object({ machineId: idSchema, requestedAtMs: timeSchema })).optional(),
  issuedAtMs: timeSchema,
  /** After this a machine makes no change; what runs goes on running. */
  expiresAtMs: timeSchema,
});
export type Pointer = z.infer<typeof pointerSchema>;

export const bytesBySourceSchema = z.object({
  /** From other machines and the desktop, over BitTorrent. */
  peers: sizeSchema,
  /** From the nearest store. */
  region: sizeSchema,
  /** Already on the machine, not fetched. */
  reuse: sizeSchema,
});
export type BytesBySource = z.infer<typeof bytesBySourceSchema>;

export const machinePhaseSchema = z.enum([
  'enrolled',
  'fetching',
  'verifying',
  /** For its turn, or for a migration that another machine runs. */
  'waiting',
  'migrating',
  'switching',
  'checking',
  'active',
  'rolled_back',
  'failed',
]);
export type MachinePhase = z.infer<typeof machinePhaseSchema>;

export const machineReportSchema = z.object({
  type: z.literal('slipway.report/v1'),
  machineId: idSchema,
  repositoryId: idSchema,
  channel: channelNameSchema,
  /** Grows with every report of this machine: an older one is a replay. */
  sequence: z.number().int().positive(),
  name: z.string(),
  region: z.string().nullable(),
  agentVersion: z.string(),
  platform: platformSchema,
  /** Where this machine's seeder listens; empty when it does not. */
  peers: z.array(z.object({ host: z.string(), port: z.number().int().min(1).max(65_535) })).max(16),
  /** Packs that it seeds, by info hash. */
  seeding: z.array(infoHashSchema).max(64),
  /** What really runs: the serial and artifact that `current` names. */
  serial: z.number().int().positive().nullable(),
  artifactId: sha256Schema.nullable(),
  releaseId: idSchema.nullable(),
  /** The serial that the phase speaks of: the one being installed, or the one that runs. */
  targetSerial: z.number().int().positive().nullable(),
  phase: machinePhaseSchema,
  progress: z.number().min(0).max(1).nullable(),
  health: z.enum(['unknown', 'healthy', 'unhealthy']),
  message: z.string().nullable(),
  bytes: bytesBySourceSchema,
  /** When each phase of the current target began, oldest first. */
  timeline: z.array(z.object({ phase: machinePhaseSchema, atMs: timeSchema })).max(64),
  /** Releases kept on disk, for rollback without download. */
  kept: z.array(sha256Schema).max(256),
  /** Names of the channel's values that the running release got. Never a value. */
  environmentNames: z.array(z.string().max(200)).max(256).default([]),
  /** The newest release that did not come up here, whose evidence lies in the stores; null while there was none. */
  evidenceSerial: z.number().int().positive().nullable().default(null),
  /** What of the release that runs is not as it was installed; null for nothing that was seen. */
  drift: z.string().max(500).nullable().default(null),
  /** The last request to repair it that was done. */
  repairedAtMs: timeSchema.default(0),
  reportedAtMs: timeSchema,
});
export type MachineReport = z.infer<typeof machineReportSchema>;

/**
 * Where the migrations of one release stand. It lies in the main store alone, so that a conditional write to it is a lock; its version
 * changes with every renewal of the lease. Signed by the machine that holds it, or by a control center that a person told.
 */
export const migrationRecordSchema = z.object({
  type: z.literal('slipway.migration/v1'),
  repositoryId: idSchema,
  channel: channelNameSchema,
  releaseId: idSchema,
  serial: z.number().int().positive(),
  state: migrationStateSchema,
  /** The fencing token: grows whenever the record changes hands. */
  token: z.number().int().nonnegative(),
  /** Of the holder, or of who held it last. */
  machineId: idSchema.nullable(),
  /** Counts renewals. A holder whose count stands still for `leaseMs` is lost; no two clocks are compared. */
  beat: z.number().int().nonnegative(),
  leaseMs: z.number().int().positive(),
  message: z.string().max(4_000).nullable(),
  changedAtMs: timeSchema,
});
export type MigrationRecord = z.infer<typeof migrationRecordSchema>;

/** What a machine writes to be enrolled; `mac` is HMAC-SHA256 under the one-time secret over the request's JSON without `mac`. */
export const enrollRequestSchema = z.object({
  type: z.literal('slipway.enroll/v1'),
  machineId: idSchema,
  repositoryId: idSchema,
  channel: channelNameSchema,
  name: z.string().min(1).max(100),
  region: z.string().max(100).nullable(),
  publicKey: publicKeySchema,
  ageRecipient: z.string().max(200),
  mac: z.base64(),
});
export type EnrollRequest = z.infer<typeof enrollRequestSchema>;

/** What a job made. The predicate of an in-toto SLSA v1 statement. Source: https://slsa.dev/spec/v1.0/provenance */
export const buildFactsSchema = z.object({
  buildId: idSchema,
  repositoryId: idSchema,
  repositoryUrl: z.string(),
  revision: z.string(),
  branch: z.string(),
  jobId: idSchema,
  attempt: z.number().int().positive(),
  platform: platformSchema,
  artifactId: sha256Schema,
  pack: packSchema,
  plan: z.unknown(),
  /** Records of before it was recorded have none. */
  isolation: isolationUsedSchema.optional(),
  /** The build whose artifact this one uses, made of the very same inputs; absent where the steps were run. */
  reusedBuildId: idSchema.optional(),
  tools: z.array(z.object({ name: z.string(), version: z.string(), path: z.string() })),
  environmentNames: z.array(z.string()),
  /** A keyed digest of the values of each name, which only this installation can compute. Older records have none. */
  environmentDigests: z.record(z.string(), sha256Schema).optional(),
  /** The list of components that the lock files of the sources name. Older records have none. */
  sbom: z.object({ digest: sha256Schema, componentCount: z.number().int().nonnegative() }).optional(),
  startedAtMs: timeSchema,
  finishedAtMs: timeSchema,
});
export type BuildFacts = z.infer<typeof buildFactsSchema>;

/** Keys of blobs in a store. Ids and digests only, never names (a channel's name is validated by `channelNameSchema`). */
export const storeKeys = {
  trust: 'trust.json',
  fileList: (artifactId: string) => `artifacts/${artifactId}.json`,
  pack: (digest: string) => `packs/${digest}.tar.zst`,
  torrent: (digest: string) => `packs/${digest}.torrent`,
  build: (repositoryId: string, buildId: string) => `builds/${repositoryId}/${buildId}.json`,
  /** CycloneDX JSON; its digest is in the build record. */
  sbom: (repositoryId: string, buildId: string) => `builds/${repositoryId}/${buildId}.sbom.json`,
  pointer: (repositoryId: string, channel: string) => `channels/${repositoryId}/${channel}.json`,
  environment: (repositoryId: string, channel: string, digest: string) =>
    `channels/${repositoryId}/${channel}/env/${digest}.age`,
  machines: (repositoryId: string) => `machines/${repositoryId}/`,
  report: (repositoryId: string, machineId: string) => `machines/${repositoryId}/${machineId}.json`,
  migration: (repositoryId: string, releaseId: string) => `machines/${repositoryId}/locks/${releaseId}.json`,
  evidence: (repositoryId: string, machineId: string, serial: number) =>
    `machines/${repositoryId}/evidence/${machineId}/${serial}.json`,
  enroll: (repositoryId: string, machineId: string) => `machines/${repositoryId}/${machineId}.enroll.json`,
} as const;
