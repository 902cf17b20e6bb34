/** Owns small trees on disk for tests of artifacts, and temporary folders that go away with the test. */
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { decodeFileList } from '../../src-main/artifacts/file-list.ts';
import type { PackedTree } from '../../src-main/artifacts/pack-tree.ts';
import type { FileEntry } from '../../src-main/contract/documents.ts';

export type TreeNode =
  | { readonly kind: 'file'; readonly content: string | Uint8Array; readonly executable?: boolean }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'directory' };

/** Removed when the running test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-artifacts-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function writeTree(root: string, nodes: Readonly<Record<string, TreeNode>>): Promise<void> {
  await mkdir(root, { recursive: true });
  for (const [relative, node] of Object.entries(nodes)) {
    const absolute = path.join(root, relative);
    await mkdir(node.kind === 'directory' ? absolute : path.dirname(absolute), { recursive: true });
    if (node.kind === 'link') await symlink(node.target, absolute);
    if (node.kind === 'file') {
      await writeFile(absolute, node.content);
      await chmod(absolute, node.executable ? 0o755 : 0o644);
    }
  }
}

/** Bytes that do not compress and are the same on every run. Source: xorshift32, Marsaglia 2003. */
export function noise(sizeBytes: number, seed = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  let state = seed;
  for (let index = 0; index < words.length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state >>> 0;
  }
  return new Uint8Array(words.buffer, 0, sizeBytes);
}

/** The entries of what was packed, read as a machine reads them. */
export function entriesIn({ fileList, artifactId }: Pick<PackedTree, 'fileList' | 'artifactId'>): FileEntry[] {
  return decodeFileList(fileList, artifactId);
}
