/** Owns which bytes of which entries lie in which frame of a pack. Pure arithmetic over the list: reads no file and no pack. */
import { frameBytes } from './seek-table.ts';
import { type TarEntry, tarEndBytes, tarEntryBytes, tarHeader, tarPaddingBytes } from './tar-header.ts';

/** A stretch of one entry's bytes in the tar, which are its header, content and padding. */
export interface FramePart<Entry> {
  /** Null for the zeros at the end of the archive. */
  readonly entry: Entry | null;
  /** First byte and the one after the last, counted from the entry's header. */
  readonly from: number;
  readonly to: number;
}

export interface FramePlan<Entry> {
  readonly contentBytes: number;
  readonly parts: readonly FramePart<Entry>[];
}

/** Deals entries to frames whose sizes somebody else decides. */
class FrameCutter<Entry> {
  #parts: FramePart<Entry>[] = [];
  usedBytes = 0;

  /** As much of the entry as `room` allows; returns where it goes on. */
  add(entry: Entry | null, from: number, entryBytes: number, room: number): number {
    const to = Math.min(entryBytes, from + room);
    this.#parts.push({ entry, from, to });
    this.usedBytes += to - from;
    return to;
  }

  take(): FramePlan<Entry> {
    const plan = { contentBytes: this.usedBytes, parts: this.#parts };
    this.#parts = [];
    this.usedBytes = 0;
    return plan;
  }
}

const sizeOf = (entry: TarEntry | null) => (entry === null ? tarEndBytes : tarEntryBytes(entry));

/** A frame's stretch of the tar, by the entries in it; one past the last entry stands for the zeros at the end. */
export interface FrameRange {
  readonly contentBytes: number;
  readonly first: number;
  /** First byte of the first entry that lies in the frame, counted from the entry's header. */
  readonly from: number;
  readonly last: number;
  /** The byte after the last one of the last entry. */
  readonly to: number;
}

/**
 * The frames of the pack of `count` entries, in the order of the list, of which each takes `tarBytesAt` in the tar: cut at the start of
 * an entry that does not fit any more, and where a frame is full. The cuts depend on names and sizes alone, so whoever makes the
 * frames makes the same pack.
 */
export function* planFrames(count: number, tarBytesAt: (index: number) => number): Generator<FrameRange> {
  let [first, from, usedBytes] = [0, 0, 0];
  const cut = (last: number, to: number): FrameRange => {
    const contentBytes = usedBytes;
    usedBytes = 0;
    return { contentBytes, first, from, last, to };
  };
  for (let index = 0; index <= count; index += 1) {
    const bytes = index < count ? tarBytesAt(index) : tarEndBytes;
    if (index < count && usedBytes > 0 && usedBytes + bytes > frameBytes) yield cut(index - 1, tarBytesAt(index - 1));
    if (usedBytes === 0) [first, from] = [index, 0];
    for (let at = 0; at < bytes; ) {
      if (usedBytes === frameBytes) yield cut(at === 0 ? index - 1 : index, at === 0 ? tarBytesAt(index - 1) : at);
      if (usedBytes === 0) [first, from] = [index, at];
      const taken = Math.min(bytes - at, frameBytes - usedBytes);
      usedBytes += taken;
      at += taken;
    }
  }
  yield cut(count, tarEndBytes);
}

/**
 * The frames of a pack of `entries` that somebody else has cut, with `frameSizes` in bytes of content. Their sum must be the tar's
 * (`tarBytesOf`).
 */
export function* dealFrames<Entry extends TarEntry>(
  entries: readonly Entry[],
  frameSizes: Iterable<number>,
): Generator<FramePlan<Entry>> {
  const cutter = new FrameCutter<Entry>();
  let index = 0;
  let from = 0;
  for (const size of frameSizes) {
    while (cutter.usedBytes < size && index <= entries.length) {
      const entry = entries[index] ?? null;
      const bytes = sizeOf(entry);
      from = cutter.add(entry, from, bytes, size - cutter.usedBytes);
      if (from === bytes) {
        index += 1;
        from = 0;
      }
    }
    yield cutter.take();
  }
}

/** The bytes of the whole tar. */
export function tarBytesOf(entries: readonly TarEntry[]): number {
  return entries.reduce((total, entry) => total + tarEntryBytes(entry), tarEndBytes);
}

/** What of an entry's part is what; all in bytes, the lengths may be 0. */
export interface PartLayout {
  /** The header's bytes that lie in the part; content and padding follow. */
  readonly header: Uint8Array;
  readonly contentBytes: number;
  readonly paddingBytes: number;
  /** Where in the file the part's content begins. */
  readonly filePosition: number;
  /** Whether the file's content ends in this part. */
  readonly endsContent: boolean;
  /** Whether all of it is in this part. */
  readonly isWhole: boolean;
}

export function layOut(part: FramePart<TarEntry>): PartLayout {
  const { entry, from, to } = part;
  if (entry === null) {
    const none = { header: new Uint8Array(), contentBytes: 0, filePosition: 0 };
    return { ...none, paddingBytes: to - from, endsContent: false, isWhole: false };
  }
  const header = tarHeader(entry);
  const sizeBytes = entry.kind === 'file' ? entry.sizeBytes : 0;
  const contentEnd = header.length + sizeBytes;
  const overlap = (start: number, end: number) => Math.max(0, Math.min(to, end) - Math.max(from, start));
  const contentBytes = overlap(header.length, contentEnd);
  // An empty file ends with its header.
  const endsContent =
    entry.kind === 'file' && (sizeBytes === 0 ? to === contentEnd : contentBytes > 0 && to >= contentEnd);
  return {
    header: header.subarray(from, to),
    contentBytes,
    paddingBytes: overlap(contentEnd, contentEnd + tarPaddingBytes(sizeBytes)),
    filePosition: Math.max(0, from - header.length),
    endsContent,
    isWhole: endsContent && contentBytes === sizeBytes,
  };
}

/** A part of a file that lies in several frames: where its content is in the frame, to be hashed in order. */
export interface SplitContent {
  readonly part: number;
  readonly offset: number;
  readonly lengthBytes: number;
  readonly endsContent: boolean;
}
