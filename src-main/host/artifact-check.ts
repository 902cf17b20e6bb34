/** Owns the check of one artifact in the main store: pack, file list and build record, each against its digest or signature. */
import { z } from 'zod';
import { storeKeys } from '../contract/documents.ts';
import { DomainError, messageOf } from '../contract/errors.ts';
import { findBuildOfArtifact } from '../database/builds.ts';
import { reclaimedError } from '../database/pack-holds.ts';
import type { Engine } from '../engine.ts';
import { verifyBuild } from '../releases/build-document.ts';
import { digestOf } from '../replication/transfer.ts';

const maxDocumentBytes = 8 * 1024 * 1024;

export interface ArtifactCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

async function check(name: string, work: () => Promise<string>): Promise<ArtifactCheck> {
  try {
    return { name, ok: true, detail: await work() };
  } catch (error) {
    return { name, ok: false, detail: messageOf(error) };
  }
}

/** Reads the artifact's blobs back from the main store. Throws `not_found` when no build made it, `artifact.reclaimed`. */
export async function verifyArtifact(engine: Engine, artifactId: string): Promise<{ checks: ArtifactCheck[] }> {
  const build = await findBuildOfArtifact(engine.db, artifactId);
  if (!build) throw new DomainError('not_found', `No build made the artifact ${artifactId}.`, { artifactId });
  if (build.reclaimedAt !== null) throw reclaimedError(build);
  const { main } = engine.stores;
  const signal = new AbortController().signal;
  const read = async (key: string) => {
    const found = await main.read(key, maxDocumentBytes);
    if (!found) throw new DomainError('store.not_found', `${key} is missing in ${main.url}.`, { key });
    return found.bytes;
  };
  return {
    checks: [
      await check('pack', async () => {
        const digest = await digestOf(main, storeKeys.pack(build.packDigest), signal);
        if (digest === build.packDigest) return `sha256 ${digest}`;
        throw new DomainError('artifact.digest_mismatch', digest ? `it reads back as ${digest}` : 'it is missing');
      }),
      await check('file list', async () => {
        // An artifact's id is the digest of its list: nothing else needs to be read to certify it.
        const digest = await digestOf(main, storeKeys.fileList(artifactId), signal);
        if (digest === artifactId) return `certifies itself as ${artifactId}`;
        throw new DomainError('artifact.digest_mismatch', digest ? `it reads back as ${digest}` : 'it is missing');
      }),
      await check('build record', async () => {
        const bytes = await read(storeKeys.build(build.repositoryId, build.id));
        verifyBuild(bytes, engine.trust.current, z.unknown());
        return 'signed by a release key of this installation';
      }),
    ],
  };
}
