/** Owns how the SBOM of a build is read for the interface and the command line: never without its signed record. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { parseBuildStatement } from '../../artifacts/build-record.ts';
import { maxSbomBytes, parseSbom } from '../../artifacts/sbom/sbom-document.ts';
import { storeKeys } from '../../contract/documents.ts';
import { DomainError } from '../../contract/errors.ts';
import type { SbomView } from '../../contract/views/build.ts';
import { findBuild, findBuildOfJob } from '../../database/builds.ts';
import { reclaimedError } from '../../database/pack-holds.ts';
import type { Engine } from '../../engine.ts';
import { verifyBuild } from '../../releases/build-document.ts';
import { maxDocumentBytes } from '../../releases/signed-document.ts';

/** Some 15,000 components. To parse more would hold up the engine; their number is in the record. */
const maxCountedBytes = 4 * 1024 * 1024;

export interface StoredSbom {
  readonly buildId: string;
  readonly digest: string;
  readonly componentCount: number;
  readonly bytes: Uint8Array;
}

/**
 * The SBOM of a build by its id, or by that of its job, as the main store holds it. Throws `artifact.reclaimed`, `not_found` where there is no build, or one of
 * before there were SBOMs; `store.not_found`, `artifact.digest_mismatch`, `trust.*` where what lies in the store is not what was recorded.
 */
export async function readSbom({ db, stores, trust }: Engine, id: string): Promise<StoredSbom> {
  const build = (await findBuild(db, id)) ?? (await findBuildOfJob(db, id));
  if (build === null)
    throw new DomainError('not_found', `No build has the id ${id}, and no job with it has made one.`, { id });
  if (build.reclaimedAt !== null) throw reclaimedError(build);
  const read = async (key: string, maxBytes: number) => {
    const found = await stores.main.read(key, maxBytes);
    if (found !== null) return found.bytes;
    throw new DomainError('store.not_found', `${key} is missing in ${stores.main.url}. Build the revision again.`, {
      key,
    });
  };
  const record = await read(storeKeys.build(build.repositoryId, build.id), maxDocumentBytes);
  const { sbom } = parseBuildStatement(verifyBuild(record, trust.current, z.unknown()));
  if (sbom === undefined) {
    throw new DomainError('not_found', 'The build is of a version that made no SBOM yet. Build the revision again.', {
      id,
    });
  }
  const key = storeKeys.sbom(build.repositoryId, build.id);
  const bytes = await read(key, maxSbomBytes);
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== sbom.digest) {
    throw new DomainError(
      'artifact.digest_mismatch',
      `${key} was changed or damaged: its digest is ${actual}, where the signed record says ${sbom.digest}. Build the revision again.`,
      { key, actual },
    );
  }
  return { buildId: build.id, ...sbom, bytes };
}

export async function sbomView(engine: Engine, id: string): Promise<SbomView> {
  const { buildId, digest, componentCount, bytes } = await readSbom(engine, id);
  const { components, unread } = bytes.length > maxCountedBytes ? { components: [], unread: [] } : parseSbom(bytes);
  const counts = new Map<string, number>();
  for (const { purl } of components) {
    const type = purl.slice('pkg:'.length, purl.indexOf('/'));
    counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  const types = [...counts].map(([type, count]) => ({ type, count })).sort((a, b) => b.count - a.count);
  return { buildId, digest, sizeBytes: bytes.length, componentCount, types, unread: [...unread] };
}
