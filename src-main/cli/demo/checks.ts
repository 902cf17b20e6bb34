/** Owns the demo's checks: each looks at what is on disk, with the keys and digests that a machine would use. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, readlink, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { decodeFileList } from '../../artifacts/file-list.ts';
import { verifyTree } from '../../artifacts/unpack.ts';
import { type FileEntry, type Pointer, storeKeys, type Trust } from '../../contract/documents.ts';
import { messageOf } from '../../contract/errors.ts';
import type { BuildView } from '../../contract/views/build.ts';
import { verifyBuild } from '../../releases/build-document.ts';
import { verifyPointer } from '../../releases/pointer-document.ts';
import { verifyTrust } from '../../releases/trust-document.ts';

/** A stage of the demo did not hold. */
export class DemoFailure extends Error {}

/** Fails the demo unless `fact` is true; returns the claim for the report. */
export function hold(claim: string, fact: boolean): string {
  if (!fact) throw new DemoFailure(`This does not hold: ${claim}.`);
  return claim;
}

/** Runs a check that throws when it fails. */
export async function holds(claim: string, work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return claim;
  } catch (error) {
    throw error instanceof DemoFailure ? error : new DemoFailure(`This does not hold: ${claim}: ${messageOf(error)}`);
  }
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}

export async function readTrust(storeFolder: string, rootPublicKey: string): Promise<Trust> {
  return verifyTrust(await readFile(join(storeFolder, storeKeys.trust)), rootPublicKey, 0);
}

export async function readPointer(
  storeFolder: string,
  trust: Trust,
  place: { readonly repositoryId: string; readonly channel: string },
): Promise<Pointer> {
  const bytes = await readFile(join(storeFolder, storeKeys.pointer(place.repositoryId, place.channel)));
  return verifyPointer(bytes, { trust, ...place, minSerial: 0, nowMs: Date.now() });
}

export async function readFileList(storeFolder: string, artifactId: string): Promise<FileEntry[]> {
  return decodeFileList(await readFile(join(storeFolder, storeKeys.fileList(artifactId))), artifactId);
}

/** Pack, file list, torrent and build record of a build, as they lie in a store's folder. */
export async function checkStore(storeFolder: string, name: string, build: BuildView, trust: Trust): Promise<string[]> {
  const pack = join(storeFolder, storeKeys.pack(build.packDigest));
  return [
    hold(
      `the pack in ${name} reads back as ${build.packDigest.slice(0, 12)}`,
      (await sha256Of(pack)) === build.packDigest,
    ),
    hold(`the pack in ${name} has ${build.sizeBytes} bytes`, (await stat(pack)).size === build.sizeBytes),
    await holds(`the file list in ${name} certifies itself`, () => readFileList(storeFolder, build.artifactId)),
    await holds(`the torrent lies in ${name}`, () => stat(join(storeFolder, storeKeys.torrent(build.packDigest)))),
    await holds(`the build record in ${name} is signed by this installation`, async () => {
      const bytes = await readFile(join(storeFolder, storeKeys.build(build.repositoryId, build.id)));
      verifyBuild(bytes, trust, z.unknown());
    }),
  ];
}

/** What `current` of a machine names, and that every file of it is as the list says. */
export async function checkMachine(
  root: string,
  name: string,
  artifactId: string,
  entries: readonly FileEntry[],
): Promise<string[]> {
  const target = await readlink(join(root, 'current'));
  return [
    hold(`current on ${name} names ${artifactId.slice(0, 12)}`, basename(target) === artifactId),
    await holds(`every file on ${name} is as the list says`, () =>
      verifyTree(join(root, 'releases', artifactId), entries),
    ),
  ];
}
