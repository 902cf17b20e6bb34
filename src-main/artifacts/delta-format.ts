/**
 * Owns the bytes of a delta pack: what turns one artifact, the base, into another. Knows neither disks nor stores.
 *
 * A delta pack is cut and compressed as a full pack is: independent zstd frames of at most 4 MiB and a seek table at the end
 * (`seek-table.ts`), so that one reader serves both. What the frames hold, one after the other, is this stream (integers are
 * little-endian):
 *
 *     8 bytes   "SLIPDLT1"
 *     u32       length of the change
 *     …         the change: JSON of `deltaChangeSchema`, which turns the base's file list into the artifact's
 *     …         the bodies: for each content that the base does not have, in the order in which the change names it first,
 *               instructions until the file's size is reached:
 *                 u8 0, u32 length, bytes                            a literal
 *                 u8 1, u32 base entry, u48 offset, u48 length       bytes of a file of the base
 *
 * Base entries are counted from 0 in the order of the base's canonical file list. Nothing follows the last body. An
 * instruction makes at least `minimumChunkBytes`, except the last of its file: what a reader does is bounded by sizes that the
 * artifact id vouches for. The bytes are a function of the two artifacts.
 */
import { z } from 'zod';
import { type FileEntry, fileEntrySchema, sha256Schema } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { maximumChunkBytes, minimumChunkBytes } from './delta-chunks.ts';
import { artifactIdOf, encodeFileList } from './file-list.ts';
import { comparePaths } from './safe-path.ts';

export const deltaMagic = Buffer.from('SLIPDLT1', 'latin1');
export const deltaPreambleBytes = deltaMagic.length + 4;
/** A list that changes more than this is not worth a delta. */
export const maximumChangeBytes = 64 * 1024 * 1024;

const indexSchema = z.number().int().nonnegative();
export const deltaChangeSchema = z.strictObject({
  baseArtifactId: sha256Schema,
  artifactId: sha256Schema,
  /** Entries of the base that are gone: the first, and how many in a row. */
  gone: z.array(z.tuple([indexSchema, z.number().int().positive()])),
  /** What is new or other under its path. */
  entries: z.array(
    z.discriminatedUnion('kind', [
      ...fileEntrySchema.options,
      /** A file whose content the base has, under this path or another. */
      z.object({ kind: z.literal('same'), path: z.string(), executable: z.boolean(), from: indexSchema }),
    ]),
  ),
});
export type DeltaChange = z.infer<typeof deltaChangeSchema>;
export type ListedFile = Extract<FileEntry, { kind: 'file' }>;

export function malformedDelta(reason: string): DomainError {
  return new DomainError('artifact.malformed', `The delta pack ${reason}. The full pack serves in its place.`);
}

function sameEntry(one: FileEntry, other: FileEntry): boolean {
  if (one.kind === 'file' && other.kind === 'file') {
    return one.sha256 === other.sha256 && one.executable === other.executable && one.sizeBytes === other.sizeBytes;
  }
  if (one.kind === 'link' && other.kind === 'link') return one.target === other.target;
  return one.kind === other.kind;
}

/** The index of the first file of each content. */
export function contentsOf(entries: readonly FileEntry[]): Map<string, number> {
  const contents = new Map<string, number>();
  for (const [index, entry] of entries.entries()) {
    if (entry.kind === 'file' && !contents.has(entry.sha256)) contents.set(entry.sha256, index);
  }
  return contents;
}

interface ListedArtifact {
  readonly artifactId: string;
  /** In the order of the canonical list, as `decodeFileList` gives them. */
  readonly entries: readonly FileEntry[];
}

/** What must change in `base`'s list to make it `target`'s. */
export function changeBetween(base: ListedArtifact, target: ListedArtifact): DeltaChange {
  const contents = contentsOf(base.entries);
  const before = new Map(base.entries.map(entry => [entry.path, entry]));
  const after = new Set(target.entries.map(entry => entry.path));
  const gone: [number, number][] = [];
  for (const [index, entry] of base.entries.entries()) {
    if (after.has(entry.path)) continue;
    const last = gone.at(-1);
    if (last !== undefined && last[0] + last[1] === index) last[1] += 1;
    else gone.push([index, 1]);
  }
  const entries: DeltaChange['entries'] = [];
  for (const entry of target.entries) {
    const old = before.get(entry.path);
    if (old !== undefined && sameEntry(old, entry)) continue;
    const from = entry.kind === 'file' ? contents.get(entry.sha256) : undefined;
    if (entry.kind !== 'file' || from === undefined) entries.push(entry);
    else entries.push({ kind: 'same', path: entry.path, executable: entry.executable, from });
  }
  return { baseArtifactId: base.artifactId, artifactId: target.artifactId, gone, entries };
}

/** The artifact's list, made of the base's; certified by the artifact id. Throws `artifact.*`. */
export function applyChange(
  base: ListedArtifact,
  change: DeltaChange,
  artifactId: string,
): { readonly entries: FileEntry[]; readonly fileList: Uint8Array } {
  if (change.baseArtifactId !== base.artifactId || change.artifactId !== artifactId) {
    throw malformedDelta(
      `leads from artifact ${change.baseArtifactId.slice(0, 12)} to ${change.artifactId.slice(0, 12)}, not from ${base.artifactId.slice(0, 12)} to ${artifactId.slice(0, 12)}`,
    );
  }
  const byPath = new Map(base.entries.map(entry => [entry.path, entry]));
  for (const [first, count] of change.gone) {
    if (first + count > base.entries.length) throw malformedDelta('removes what its base does not have');
    for (const entry of base.entries.slice(first, first + count)) byPath.delete(entry.path);
  }
  for (const entry of change.entries) {
    if (entry.kind !== 'same') byPath.set(entry.path, entry);
    else {
      const { path, executable } = entry;
      const { sizeBytes, sha256 } = baseFile(base.entries, entry.from);
      byPath.set(path, { kind: 'file', path, executable, sizeBytes, sha256 });
    }
  }
  const entries = [...byPath.values()].sort((a, b) => comparePaths(a.path, b.path));
  const fileList = encodeFileList(entries);
  const actual = artifactIdOf(fileList);
  if (actual !== artifactId) {
    throw new DomainError(
      'artifact.digest_mismatch',
      `The delta pack makes the file list of artifact ${actual.slice(0, 12)} instead of ${artifactId.slice(0, 12)}. The full pack serves in its place.`,
      { artifactId, actual },
    );
  }
  return { entries, fileList };
}

/** The file at `index` of the base's list. Throws `artifact.malformed`. */
export function baseFile(entries: readonly FileEntry[], index: number): ListedFile {
  const entry = entries[index];
  if (entry?.kind !== 'file') throw malformedDelta('takes content from what is no file of its base');
  return entry;
}

/** The files whose contents the bodies make, one for each content that the base does not have. */
export function newContents(base: readonly FileEntry[], entries: readonly FileEntry[]): ListedFile[] {
  const known = contentsOf(base);
  const made = new Set<string>();
  const files: ListedFile[] = [];
  for (const entry of entries) {
    if (entry.kind !== 'file' || known.has(entry.sha256) || made.has(entry.sha256)) continue;
    made.add(entry.sha256);
    files.push(entry);
  }
  return files;
}

export type Instruction =
  | { readonly kind: 'literal'; readonly lengthBytes: number }
  | { readonly kind: 'copy'; readonly from: number; readonly offset: number; readonly lengthBytes: number };

const literalBytes = 4;
const copyBytes = 16;

export function encodeInstruction(instruction: Instruction): Uint8Array {
  const bytes = Buffer.alloc(1 + (instruction.kind === 'literal' ? literalBytes : copyBytes));
  if (instruction.kind === 'literal') {
    bytes.writeUInt32LE(instruction.lengthBytes, 1);
    return bytes;
  }
  bytes[0] = 1;
  bytes.writeUInt32LE(instruction.from, 1);
  bytes.writeUIntLE(instruction.offset, 5, 6);
  bytes.writeUIntLE(instruction.lengthBytes, 11, 6);
  return bytes;
}

/** Reads an instruction of a file that still lacks `missingBytes`. Throws `artifact.malformed`. */
export async function readInstruction(
  read: (lengthBytes: number) => Promise<Uint8Array>,
  missingBytes: number,
  base: readonly FileEntry[],
): Promise<Instruction> {
  const [code] = await read(1);
  if (code !== 0 && code !== 1) throw malformedDelta('has an instruction that this version does not know');
  const bytes = Buffer.from(await read(code === 0 ? literalBytes : copyBytes));
  const lengthBytes = code === 0 ? bytes.readUInt32LE(0) : bytes.readUIntLE(10, 6);
  if (lengthBytes > missingBytes || lengthBytes === 0) throw malformedDelta('makes a file of another size');
  if (lengthBytes < minimumChunkBytes && lengthBytes < missingBytes) throw malformedDelta('is cut too finely');
  if (code === 0) {
    if (lengthBytes > maximumChunkBytes) throw malformedDelta('has a literal of more than a chunk');
    return { kind: 'literal', lengthBytes };
  }
  const from = bytes.readUInt32LE(0);
  const offset = bytes.readUIntLE(4, 6);
  if (offset + lengthBytes > baseFile(base, from).sizeBytes) {
    throw malformedDelta('takes bytes from beyond the end of a file of its base');
  }
  return { kind: 'copy', from, offset, lengthBytes };
}
