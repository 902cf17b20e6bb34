/** Owns a build in the main store of a test, with all that a worker publishes beside its pack: each document right and signed. */
import { createHash, randomBytes } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { buildStatement } from '../../src-main/artifacts/build-record.ts';
import { artifactIdOf, encodeFileList } from '../../src-main/artifacts/file-list.ts';
import { createSbom } from '../../src-main/artifacts/sbom/create-sbom.ts';
import { type Pack, storeKeys } from '../../src-main/contract/documents.ts';
import type { BuildWithPack } from '../../src-main/database/builds.ts';
import type { Db } from '../../src-main/database/open-database.ts';
import { signBuild } from '../../src-main/releases/build-document.ts';
import { hostPlatform } from '../../src-main/releases/platform.ts';
import type { Signer } from '../../src-main/secrets/signing-keys.ts';
import type { BlobStore } from '../../src-main/stores/blob-store.ts';
import { createMetainfo } from '../../src-main/swarm/metainfo.ts';
import { addBuild } from './database-fixtures.ts';

const pieceLengthBytes = 16 * 1024;

function torrentOf(bytes: Uint8Array, digest: string) {
  const pieces: Buffer[] = [];
  for (let start = 0; start < bytes.length; start += pieceLengthBytes) {
    pieces.push(
      createHash('sha1')
        .update(bytes.subarray(start, start + pieceLengthBytes))
        .digest(),
    );
  }
  const input = { name: `${digest}.tar.zst`, sizeBytes: bytes.length, pieceLengthBytes };
  return createMetainfo({ ...input, pieces: Buffer.concat(pieces) });
}

/** The signed record of a build, and its SBOM. */
export async function publishRecord(
  { main, release }: { readonly main: BlobStore; readonly release: Signer },
  build: Pick<
    BuildWithPack,
    'id' | 'repositoryId' | 'revision' | 'artifactId' | 'packDigest' | 'sizeBytes' | 'infoHash'
  >,
): Promise<void> {
  const { id, repositoryId, revision, artifactId, packDigest: digest, sizeBytes, infoHash } = build;
  const pack: Pack = { digest, kind: 'full', artifactId, baseArtifactId: null, sizeBytes, infoHash };
  const sbom = await createSbom(
    { files: ['go.sum'], readText: async () => 'example.org/a v1.0.0 h1:x=\n' },
    { name: 'app', revision },
  );
  const record = signBuild(
    buildStatement({
      buildId: id,
      repositoryId,
      repositoryUrl: 'https://example.org/app.git',
      revision: revision,
      branch: 'main',
      jobId: uuidv7(),
      attempt: 1,
      platform: hostPlatform(),
      artifactId,
      pack,
      plan: { steps: [] },
      tools: [],
      environmentNames: [],
      sbom: { digest: sbom.digest, componentCount: sbom.componentCount },
      startedAtMs: 1,
      finishedAtMs: 2,
    }),
    release,
  );
  const put = (key: string, bytes: Uint8Array) => main.put(key, { kind: 'bytes', bytes });
  await put(storeKeys.sbom(repositoryId, id), sbom.bytes);
  await put(storeKeys.build(repositoryId, id), record);
}

/** The pack holds random bytes: nothing here unpacks it. */
export async function publishBuild(
  { db, main, release }: { readonly db: Db; readonly main: BlobStore; readonly release: Signer },
  repositoryId: string,
  sizeBytes: number,
): Promise<BuildWithPack> {
  const bytes = randomBytes(sizeBytes);
  const digest = createHash('sha256').update(bytes).digest('hex');
  const fileList = encodeFileList([{ kind: 'file', path: 'blob', executable: false, sizeBytes, sha256: digest }]);
  const artifactId = artifactIdOf(fileList);
  const { torrent, infoHash } = torrentOf(bytes, digest);
  const build = await addBuild(db, repositoryId, { digest, sizeBytes, artifactId, infoHash });
  const put = (key: string, content: Uint8Array) => main.put(key, { kind: 'bytes', bytes: content });
  await put(storeKeys.pack(digest), bytes);
  await put(storeKeys.fileList(artifactId), fileList);
  await put(storeKeys.torrent(digest), torrent);
  await publishRecord({ main, release }, build);
  return build;
}
