/** Owns the use of a delta pack on a machine: which one fits a release that lies here, and making the next release of it. */
import { stat } from 'node:fs/promises';
import { applyDelta } from '../artifacts/delta-apply.ts';
import type { FileEntry, Pack } from '../contract/documents.ts';
import { replacePrivateFile } from '../secrets/private-file.ts';
import type { AgentFolder } from './agent-folder.ts';
import type { LinkedFiles } from './linked-files.ts';
import { readTreeRecord, rowOf } from './tree-record.ts';

export type DeltaPack = Pack & { readonly baseArtifactId: string };

/** The smallest delta whose base lies on this machine and that spares bytes; null where there is none. */
export async function usableDelta(folder: AgentFolder, deltas: readonly Pack[], full: Pack): Promise<DeltaPack | null> {
  for (const delta of deltas.toSorted((one, other) => one.sizeBytes - other.sizeBytes)) {
    const { baseArtifactId } = delta;
    if (baseArtifactId === null || baseArtifactId === full.artifactId || delta.sizeBytes >= full.sizeBytes) continue;
    const base = await stat(folder.release(baseArtifactId)).catch(() => null);
    if (base?.isDirectory()) return { ...delta, baseArtifactId };
  }
  return null;
}

/**
 * Makes the delta's artifact in `fresh`, and keeps its file list. No byte of the base is changed, and of its files only those are read for
 * which its record does not vouch. What was linked is told to `links`. Throws what `applyDelta` throws.
 */
export async function installDelta(options: {
  readonly folder: AgentFolder;
  readonly delta: DeltaPack;
  readonly baseEntries: readonly FileEntry[];
  readonly fresh: string;
  /** As `applyDelta` takes it. */
  readonly linkFiles: boolean;
  readonly links: LinkedFiles;
  readonly signal: AbortSignal;
  /** From 0 to 1. */
  readonly onProgress: (progress: number) => void;
}): Promise<void> {
  const { folder, delta, baseEntries, fresh, linkFiles, links, signal, onProgress } = options;
  const { artifactId, baseArtifactId } = delta;
  const known = new Set((await readTreeRecord(folder, baseArtifactId))?.rows());
  const { fileList } = await applyDelta({
    packFile: folder.pack(delta.digest),
    base: {
      artifactId: baseArtifactId,
      entries: baseEntries,
      folder: folder.release(baseArtifactId),
      vouchesFor: file => known.has(rowOf(links.asBefore(file))),
    },
    onLinked: (before, after) => links.add(before.identity, after.identity),
    artifactId,
    targetDir: fresh,
    linkFiles,
    signal,
    onProgress: ({ bytesDone, bytesTotal }) => onProgress(bytesTotal === 0 ? 1 : bytesDone / bytesTotal),
  });
  await replacePrivateFile(folder.fileList(artifactId), fileList);
}
