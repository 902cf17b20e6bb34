/** Owns the last phases: the artifact is packed in one pass, and lies in the main store before the job has succeeded. */
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { type PackedTree, packTree } from '../artifacts/pack-tree.ts';
import type { Sbom } from '../artifacts/sbom/sbom-document.ts';
import { type BuildFacts, type Pack, storeKeys } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import type { IsolationUsed } from '../contract/isolation.ts';
import type { Plan } from '../contract/plan.ts';
import { type BuildWithPack, checksumColumns, insertBuild, insertPack, type PackRecord } from '../database/builds.ts';
import { putResult } from '../database/caches.ts';
import { appendEvent } from '../database/events.ts';
import type { Db } from '../database/open-database.ts';
import { formatSize } from '../domain/format-size.ts';
import { hostPlatform } from '../releases/platform.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import { createMetainfo } from '../swarm/metainfo.ts';
import type { ResolvedTools } from '../toolchains/resolve-tools.ts';
import { type AttemptRun, asStep, type BuildRun } from './attempt-run.ts';
import { holdArtifact } from './hold-artifact.ts';

export interface PackedArtifact {
  readonly tree: PackedTree;
  readonly pack: Pack;
  readonly packFile: string;
  readonly torrent: Uint8Array;
}

/** An earlier build of the very same inputs. */
export interface ReusedResult {
  readonly build: BuildWithPack;
  readonly pack: PackRecord;
  readonly jobNumber: number;
  /** What the steps took then, in milliseconds. */
  readonly stepsMs: number;
}

/** Packs what the plan names. Throws `artifact.*`. */
export async function packArtifact(
  run: BuildRun,
  options: { readonly plan: Plan; readonly source: string; readonly position: number },
): Promise<PackedArtifact> {
  return asStep(run, { position: options.position, name: 'Pack' }, async report => {
    const folder = join(run.workFolder, 'pack');
    await mkdir(folder, { recursive: true });
    const packFile = join(folder, 'full.tar.zst');
    const tree = await packTree({
      root: options.source,
      include: options.plan.artifact.include,
      exclude: options.plan.artifact.exclude,
      outFile: packFile,
      md5: run.wantsMd5 ?? false,
      signal: run.signal,
      onProgress: ({ bytesDone, bytesTotal }) => {
        run.onProgress?.();
        report(bytesDone, bytesTotal);
      },
    });
    if (tree.unmatchedIncludes.length > 0) {
      throw new DomainError(
        'artifact.empty',
        `The build did not make ${tree.unmatchedIncludes.join(', ')}, which the plan names as its artifact. Correct "artifact" in slipway.yml, or the step that should make it.`,
        { unmatched: tree.unmatchedIncludes },
      );
    }
    const { torrent, infoHash } = createMetainfo({
      name: `${tree.digest}.tar.zst`,
      sizeBytes: tree.sizeBytes,
      pieceLengthBytes: tree.pieceLengthBytes,
      pieces: tree.pieces,
    });
    const pack: Pack = {
      digest: tree.digest,
      kind: 'full',
      artifactId: tree.artifactId,
      baseArtifactId: null,
      sizeBytes: tree.sizeBytes,
      infoHash,
    };
    const files = tree.fileCount;
    return {
      result: { tree, pack, packFile, torrent },
      detail: `${files} ${files === 1 ? 'file' : 'files'}, ${formatSize(tree.treeSizeBytes)} → ${formatSize(tree.sizeBytes)}, artifact ${tree.artifactId.slice(0, 12)}`,
    };
  });
}

/** Whether the store has these very bytes already. */
export async function isWhole(
  store: BlobStore,
  pack: Pick<Pack, 'digest' | 'sizeBytes'>,
  run: BuildRun,
): Promise<boolean> {
  const key = storeKeys.pack(pack.digest);
  if ((await store.head(key))?.sizeBytes !== pack.sizeBytes) return false;
  const hash = createHash('sha256');
  for await (const chunk of await store.get(key, { signal: run.signal })) {
    hash.update(chunk);
    run.onProgress?.();
  }
  return hash.digest('hex') === pack.digest;
}

/** What every published build says of itself, whether its steps were run or an earlier artifact is used. */
interface Published {
  readonly plan: Plan;
  readonly tools: ResolvedTools;
  readonly isolation: IsolationUsed;
  readonly store: BlobStore;
  readonly environmentNames: readonly string[];
  readonly environmentDigests: Readonly<Record<string, string>>;
  readonly sbom: Sbom;
  /** Has the record signed and stored by whoever holds the key; when it resolves, the record lies in the main store. */
  readonly recordBuild: (facts: BuildFacts, signal: AbortSignal) => Promise<void>;
  readonly startedAtMs: number;
  readonly position: number;
  /** Names the inputs of the build for later ones; null where its artifact must not stand for another. */
  readonly resultKey: string | null;
}

export const publishStep = 'Publish to main store';

/**
 * Puts everything that the artifact needs into the main store: pack, file list, torrent, SBOM, and last the build record, which the
 * engine signs.
 * Returns what records the build in the database, to be run in the transaction that ends the job.
 */
export async function publishArtifact(
  run: AttemptRun,
  options: Published & { readonly artifact: PackedArtifact },
): Promise<(transaction: Db) => Promise<void>> {
  const { artifact, store } = options;
  const { tree, pack } = artifact;
  return asStep(run, { position: options.position, name: publishStep }, async report => {
    await holdArtifact(run, { packDigest: pack.digest, artifactId: tree.artifactId });
    // Read, not only seen: to build again is how a damaged pack of the main store is repaired.
    const isThere = await isWhole(store, pack, run);
    if (!isThere) {
      await store.put(
        storeKeys.pack(pack.digest),
        { kind: 'file', path: artifact.packFile, sizeBytes: pack.sizeBytes },
        {
          sha256: pack.digest,
          checksums: tree.checksums,
          signal: run.signal,
          onProgress: bytesDone => {
            run.onProgress?.();
            report(bytesDone, pack.sizeBytes);
          },
        },
      );
    }
    await store.put(storeKeys.fileList(tree.artifactId), { kind: 'bytes', bytes: tree.fileList });
    await store.put(storeKeys.torrent(pack.digest), { kind: 'bytes', bytes: artifact.torrent });
    const result = await recordBuild(run, options, {
      pack,
      checksums: checksumColumns(tree.checksums),
      treeSizeBytes: tree.treeSizeBytes,
      fileCount: tree.fileCount,
      reusedBuildId: null,
    });
    const what = isThere ? 'the same bytes were there already' : formatSize(pack.sizeBytes);
    return { result, detail: `${what}, sha256 ${pack.digest.slice(0, 12)}` };
  });
}

/** Publishes an artifact that lies whole in the main store as this job's build, under a record of its own that names the first. */
export async function publishReused(
  run: AttemptRun,
  options: Published & { readonly reused: ReusedResult },
): Promise<(transaction: Db) => Promise<void>> {
  const { build, pack, jobNumber } = options.reused;
  return asStep(run, { position: options.position, name: publishStep }, async () => {
    const { treeSizeBytes, fileCount } = build;
    const { digest, kind, artifactId, baseArtifactId, sizeBytes, infoHash, crc32c, md5 } = pack;
    const result = await recordBuild(run, options, {
      pack: { digest, kind, artifactId, baseArtifactId, sizeBytes, infoHash },
      checksums: { crc32c, md5 },
      treeSizeBytes,
      fileCount,
      reusedBuildId: build.id,
    });
    return { result, detail: `the artifact of job #${jobNumber}, read back whole, sha256 ${digest.slice(0, 12)}` };
  });
}

async function recordBuild(
  run: AttemptRun,
  options: Published,
  made: {
    readonly pack: Pack;
    readonly checksums: Pick<PackRecord, 'crc32c' | 'md5'>;
    readonly treeSizeBytes: number;
    readonly fileCount: number;
    readonly reusedBuildId: string | null;
  },
): Promise<(transaction: Db) => Promise<void>> {
  const { plan, store, resultKey } = options;
  const { pack, treeSizeBytes, fileCount } = made;
  const { artifactId } = pack;
  const { job, token } = run.claimed;
  const buildId = uuidv7();
  const platform = hostPlatform();
  const facts: BuildFacts = {
    buildId,
    repositoryId: job.repositoryId,
    repositoryUrl: run.repository.url,
    revision: job.revision,
    branch: run.repository.branch,
    jobId: job.id,
    attempt: token.attempt,
    platform,
    artifactId,
    pack,
    plan,
    isolation: options.isolation,
    ...(made.reusedBuildId === null ? {} : { reusedBuildId: made.reusedBuildId }),
    tools: [...options.tools.tools],
    environmentNames: [...options.environmentNames],
    environmentDigests: { ...options.environmentDigests },
    sbom: { digest: options.sbom.digest, componentCount: options.sbom.componentCount },
    startedAtMs: options.startedAtMs,
    finishedAtMs: run.clock(),
  };
  const sbomKey = storeKeys.sbom(job.repositoryId, buildId);
  await store.put(sbomKey, { kind: 'bytes', bytes: options.sbom.bytes }, { sha256: options.sbom.digest });
  await options.recordBuild(facts, run.signal);
  const storedAt = run.clock();
  return async transaction => {
    await insertPack(transaction, { ...pack, ...made.checksums, storedAt });
    await insertBuild(transaction, {
      id: buildId,
      repositoryId: job.repositoryId,
      jobId: job.id,
      attempt: token.attempt,
      revision: job.revision,
      artifactId,
      packDigest: pack.digest,
      platform: JSON.stringify(platform),
      treeSizeBytes,
      fileCount,
      start: plan.start,
      health: plan.health ? JSON.stringify(plan.health) : null,
      activation: plan.activation ? JSON.stringify(plan.activation) : null,
      migrations: plan.migrations.length > 0 ? JSON.stringify(plan.migrations) : null,
      createdAt: storedAt,
    });
    // A build that reused an artifact leaves the one that ran its steps as the one to name.
    if (resultKey !== null && made.reusedBuildId === null) {
      await putResult(transaction, { key: resultKey, repositoryId: job.repositoryId, buildId, createdAt: storedAt });
    }
    await appendEvent(transaction, {
      type: 'build.stored',
      at: storedAt,
      repositoryId: job.repositoryId,
      jobId: job.id,
      subjectId: buildId,
      data: { artifactId, packDigest: pack.digest, sizeBytes: pack.sizeBytes },
    });
  };
}
