/**
 * Owns a disk as POSIX promises it and no better: what was not synced may be there, may be missing, or may be there in part,
 * whatever came after it. A file's data is safe once the file was synced, and its name once its folder was. Real file systems
 * promise more; a program that holds on this disk holds on them.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Random } from '../crash/random.ts';
import type { DiskCall } from './trace.ts';

/** What a power cut leaves of the changes that were not synced. */
export type Remains = 'all' | 'none' | 'some' | 'torn';

type DataChange = { readonly offset: number; readonly bytes: Buffer } | { readonly sizeBytes: number };

interface FileNode {
  readonly kind: 'file';
  synced: Buffer;
  pending: DataChange[];
  /** Where the next write without an offset goes. */
  cursor: number;
}

interface FolderNode {
  readonly kind: 'folder';
  readonly synced: Map<string, Node>;
  pending: { readonly name: string; readonly node: Node | null }[];
  /** What a running program sees. */
  readonly live: Map<string, Node>;
}

type Node = FileNode | FolderNode;

const newFile = (): FileNode => ({ kind: 'file', synced: Buffer.alloc(0), pending: [], cursor: 0 });
const newFolder = (): FolderNode => ({ kind: 'folder', synced: new Map(), pending: [], live: new Map() });

export interface Disk {
  apply(call: DiskCall): void;
  /** Writes what could be there after a cut now into the empty folder `target`. */
  writeImage(target: string, remains: Remains, random: Random): void;
}

export function createDisk(): Disk {
  const root = newFolder();

  function find(path: string): Node | null {
    let node: Node = root;
    for (const name of path === '.' ? [] : path.split('/')) {
      const next: Node | undefined = node.kind === 'folder' ? node.live.get(name) : undefined;
      if (!next) return null;
      node = next;
    }
    return node;
  }

  function fileAt(path: string): FileNode {
    const node = find(path);
    if (node?.kind !== 'file') throw new Error(`the recording changes ${path}, which is no file`);
    return node;
  }

  function setEntry(path: string, node: Node | null): void {
    const folder = find(dirname(path));
    if (folder?.kind !== 'folder') throw new Error(`the recording changes ${path}, whose folder is not there`);
    const name = path.slice(path.lastIndexOf('/') + 1);
    folder.pending.push({ name, node });
    if (node === null) folder.live.delete(name);
    else folder.live.set(name, node);
  }

  function sync(node: Node): void {
    if (node.kind === 'file') node.synced = dataOf(node, 'all', null);
    else for (const { name, node: entry } of node.pending) setOrDelete(node.synced, name, entry);
    node.pending = [];
  }

  return {
    apply(call) {
      switch (call.kind) {
        case 'create':
          if (find(call.path) === null) setEntry(call.path, newFile());
          return;
        case 'write': {
          const file = fileAt(call.path);
          const offset = call.offset ?? file.cursor;
          file.pending.push({ offset, bytes: call.bytes });
          if (call.offset === null) file.cursor += call.bytes.length;
          return;
        }
        case 'resize':
          fileAt(call.path).pending.push({ sizeBytes: call.sizeBytes });
          return;
        case 'sync': {
          const node = find(call.path);
          if (node) sync(node);
          return;
        }
        case 'folder':
          setEntry(call.path, newFolder());
          return;
        case 'link':
          setEntry(call.to, find(call.from));
          return;
        case 'rename':
          setEntry(call.to, find(call.from));
          setEntry(call.from, null);
          return;
        case 'unlink':
          setEntry(call.path, null);
          return;
        case 'acknowledged':
      }
    },
    writeImage: (target, remains, random) => writeFolder(root, target, remains, random),
  };
}

function setOrDelete(entries: Map<string, Node>, name: string, node: Node | null): void {
  if (node === null) entries.delete(name);
  else entries.set(name, node);
}

function writeFolder(folder: FolderNode, target: string, remains: Remains, random: Random): void {
  const entries = new Map(folder.synced);
  for (const { name, node } of folder.pending) if (isKept(remains, random)) setOrDelete(entries, name, node);
  for (const [name, node] of entries) {
    const path = join(target, name);
    if (node.kind === 'file') {
      writeFileSync(path, dataOf(node, remains, random));
    } else {
      mkdirSync(path);
      writeFolder(node, path, remains, random);
    }
  }
}

function isKept(remains: Remains, random: Random | null): boolean {
  if (remains === 'all') return true;
  return remains !== 'none' && random !== null && random.next() < 0.5;
}

function dataOf(file: FileNode, remains: Remains, random: Random | null): Buffer {
  if (file.pending.length === 0 || remains === 'none') return file.synced;
  let data = file.synced;
  const grow = (sizeBytes: number) => {
    if (sizeBytes > data.length) data = Buffer.concat([data, Buffer.alloc(sizeBytes - data.length)]);
    else if (data === file.synced) data = Buffer.from(data);
  };
  for (const change of file.pending) {
    if ('sizeBytes' in change) {
      if (!isKept(remains, random)) continue;
      grow(change.sizeBytes);
      data = data.subarray(0, change.sizeBytes);
      continue;
    }
    for (const part of partsOf(change, remains, random)) {
      if (!isKept(remains, random)) continue;
      grow(part.offset + part.bytes.length);
      part.bytes.copy(data, part.offset);
    }
  }
  return data;
}

/** A torn write is cut at the sectors of the disk, which are written whole. */
function partsOf(
  write: { readonly offset: number; readonly bytes: Buffer },
  remains: Remains,
  random: Random | null,
): { readonly offset: number; readonly bytes: Buffer }[] {
  if (remains !== 'torn' || random === null) return [write];
  const sectorBytes = random.pick([512, 4096]);
  const parts: { readonly offset: number; readonly bytes: Buffer }[] = [];
  for (let start = 0; start < write.bytes.length; ) {
    const offset = write.offset + start;
    const length = Math.min(write.bytes.length - start, sectorBytes - (offset % sectorBytes));
    parts.push({ offset, bytes: write.bytes.subarray(start, start + length) });
    start += length;
  }
  return parts;
}
