/** Owns packed trees and deltas between them, for tests and benches of delta packs. */
import path from 'node:path';
import { type AppliedDelta, applyDelta } from '../../src-main/artifacts/delta-apply.ts';
import { openPackFile, PackContent } from '../../src-main/artifacts/delta-content.ts';
import { type MadeDelta, type MakeDeltaOptions, makeDelta } from '../../src-main/artifacts/delta-make.ts';
import { decodeFileList } from '../../src-main/artifacts/file-list.ts';
import { type PackedTree, packTree } from '../../src-main/artifacts/pack-tree.ts';
import type { FileEntry } from '../../src-main/contract/documents.ts';
import { type TreeNode, writeTree } from './artifact-trees.ts';

export interface PackedVersion {
  readonly artifactId: string;
  readonly entries: FileEntry[];
  /** Where it lies unpacked. */
  readonly folder: string;
  readonly packFile: string;
  readonly packed: PackedTree;
}

/** Packs the tree in `folder` to `folder.pack`. */
export async function packFolder(folder: string): Promise<PackedVersion> {
  const packFile = `${folder}.pack`;
  const packed = await packTree({ root: folder, include: ['.'], exclude: [], outFile: packFile, threads: 1 });
  return {
    artifactId: packed.artifactId,
    entries: decodeFileList(packed.fileList, packed.artifactId),
    folder,
    packFile,
    packed,
  };
}

export async function packNodes(folder: string, nodes: Readonly<Record<string, TreeNode>>): Promise<PackedVersion> {
  await writeTree(folder, nodes);
  return packFolder(folder);
}

/** The delta from one version to another, at `outFile`. */
export async function deltaBetween(
  base: PackedVersion,
  target: PackedVersion,
  outFile: string,
  changes: Partial<Pick<MakeDeltaOptions, 'baseSignature' | 'maximumBytes' | 'signal' | 'threads' | 'onProgress'>> = {},
): Promise<MadeDelta | null> {
  const open = async (version: PackedVersion) =>
    PackContent.open(await openPackFile(version.packFile), version.entries);
  const [baseContent, targetContent] = [await open(base), await open(target)];
  try {
    return await makeDelta({
      base: { ...base, content: baseContent },
      target: { ...target, content: targetContent },
      baseSignature: null,
      outFile,
      maximumBytes: Number.POSITIVE_INFINITY,
      threads: 1,
      ...changes,
    });
  } finally {
    await baseContent.close();
    await targetContent.close();
  }
}

/** Applies the delta in `packFile` to `base`'s folder, into a new folder beside it. */
export function applyTo(
  base: PackedVersion,
  artifactId: string,
  packFile: string,
  targetDir = path.join(path.dirname(base.folder), 'applied'),
  linkFiles = false,
): Promise<AppliedDelta> {
  return applyDelta({ packFile, base, artifactId, targetDir, linkFiles });
}
