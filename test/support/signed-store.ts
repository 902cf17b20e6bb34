/** Owns a real store with everything that an engine puts there: a packed tree, its signed record and SBOM, a pointer, trust and a report. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { buildStatement } from '../../src-main/artifacts/build-record.ts';
import { packTree } from '../../src-main/artifacts/pack-tree.ts';
import { createSbom } from '../../src-main/artifacts/sbom/create-sbom.ts';
import { type BuildFacts, type Pack, storeKeys } from '../../src-main/contract/documents.ts';
import { signBuild } from '../../src-main/releases/build-document.ts';
import { signReport } from '../../src-main/releases/machine-report.ts';
import { hostPlatform } from '../../src-main/releases/platform.ts';
import { signPointer } from '../../src-main/releases/pointer-document.ts';
import { signTrust } from '../../src-main/releases/trust-document.ts';
import { createFilesystemStore } from '../../src-main/stores/filesystem-store.ts';
import { createMetainfo } from '../../src-main/swarm/metainfo.ts';
import { entriesIn } from './artifact-trees.ts';
import { type OnEnd, scratchFolder } from './scratch-folder.ts';
import { machineOf, newSigner, pointerOf, reportOf, trustOf } from './signed-protocol.ts';

/** When the pointer was issued, and a day later it is looked at. */
const issuedAtMs = 1_700_000_000_000;

export async function createSignedStore(onEnd: OnEnd, files: Readonly<Record<string, string | Uint8Array>>) {
  const folder = await scratchFolder(onEnd);
  const [tree, root] = [join(folder, 'tree'), join(folder, 'store')];
  await mkdir(root);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), content);
  }
  const packFile = join(folder, 'full.tar.zst');
  const packed = await packTree({ root: tree, include: ['.'], exclude: [], outFile: packFile });
  const { digest, sizeBytes, artifactId, pieceLengthBytes, pieces } = packed;
  const { torrent, infoHash } = createMetainfo({ name: `${digest}.tar.zst`, sizeBytes, pieceLengthBytes, pieces });
  const pack: Pack = { digest, kind: 'full', artifactId, baseArtifactId: null, sizeBytes, infoHash };
  const sbom = await createSbom(
    { files: ['go.sum'], readText: async () => 'example.org/a v1.0.0 h1:x=\n' },
    { name: 'app', revision: 'c'.repeat(40) },
  );
  const [rootKey, release, machineKey] = [newSigner(), newSigner(), newSigner()];
  const repositoryId = uuidv7();
  const facts: BuildFacts = {
    buildId: uuidv7(),
    repositoryId,
    repositoryUrl: 'https://example.org/app.git',
    revision: 'c'.repeat(40),
    branch: 'main',
    jobId: uuidv7(),
    attempt: 1,
    platform: hostPlatform(),
    artifactId,
    pack,
    plan: { steps: [] },
    tools: [{ name: 'node', version: '24.0.0', path: '/usr/bin/node' }],
    environmentNames: ['WORD'],
    environmentDigests: { WORD: '0'.repeat(64) },
    sbom: { digest: sbom.digest, componentCount: sbom.componentCount },
    startedAtMs: 1,
    finishedAtMs: 2,
  };
  const pointer = pointerOf({
    repositoryId,
    serial: 2,
    buildId: facts.buildId,
    revision: facts.revision,
    artifactId,
    packs: [pack],
    previous: { serial: 1, artifactId },
    issuedAtMs,
    expiresAtMs: issuedAtMs + 30 * 86_400_000,
  });
  const machine = machineOf(machineKey, { repositoryId });
  const store = createFilesystemStore(root);
  const put = (key: string, bytes: Uint8Array) => store.put(key, { kind: 'bytes', bytes });
  const keys = {
    trust: storeKeys.trust,
    record: storeKeys.build(repositoryId, facts.buildId),
    sbom: storeKeys.sbom(repositoryId, facts.buildId),
    fileList: storeKeys.fileList(artifactId),
    pack: storeKeys.pack(digest),
    torrent: storeKeys.torrent(digest),
    pointer: storeKeys.pointer(repositoryId, pointer.channel),
    report: storeKeys.report(repositoryId, machine.machineId),
  };
  await put(keys.pack, await readFile(packFile));
  await put(keys.fileList, packed.fileList);
  await put(keys.torrent, torrent);
  await put(keys.sbom, sbom.bytes);
  await put(keys.record, signBuild(buildStatement(facts), release));
  await put(keys.pointer, signPointer(pointer, release));
  await put(keys.report, signReport(reportOf(machine), machineKey));
  await put(keys.trust, signTrust(trustOf(rootKey, [release], { machines: [machine] }), rootKey));
  return {
    folder,
    root,
    store,
    keys,
    facts,
    pointer,
    machine,
    pack,
    entries: entriesIn(packed),
    rootKey,
    release,
    nowMs: issuedAtMs + 86_400_000,
    put,
    pathOf: (key: string) => join(root, key),
  };
}
