/** Owns making a backup of a data folder that may be in use: streamed file by file, with the digest of each. Knows no engine. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { lstat, open, opendir, rename, rm, stat } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import { constants, createZstdCompress } from 'node:zlib';
import { tarEndBytes, tarHeader, tarPaddingBytes } from '../artifacts/tar-header.ts';
import type { BackupResult } from '../contract/backup.ts';
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';
import { copyDatabase } from '../database/copy-database.ts';
import { dataFolder } from '../domain/data-folder.ts';
import { version } from '../domain/version.ts';
import { masterKeyPath } from '../secrets/master-key.ts';
import { maxKeyFileBytes, parseKeyFile } from '../secrets/master-key-file.ts';
import { readPrivateFile } from '../secrets/private-file.ts';
import {
  type BackupHeader,
  backedUpFolders,
  databasePath,
  headerPath,
  type ManifestEntry,
  manifestPath,
  mayRestore,
} from './backup-format.ts';

const readBytes = 256 * 1024;

export interface BackupRequest {
  /** The data folder. */
  readonly root: string;
  /** Where the backup goes; it must not be there. */
  readonly file: string;
  /** Whether packs of a main store in the data folder come along. */
  readonly artifacts: boolean;
}

export interface BackupProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

interface Source {
  /** In the backup. */
  readonly path: string;
  readonly from: string;
  readonly sizeBytes: number;
}

const isPack = (path: string) => /^store\/packs\/[^/]+\.tar\.zst$/.test(path);

/** Files below a folder; temporary ones of a store, and what is no file, are left out. */
async function* filesBelow(root: string, path: string): AsyncGenerator<Source> {
  let folder: Awaited<ReturnType<typeof opendir>>;
  try {
    folder = await opendir(`${root}/${path}`);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return;
    throw error;
  }
  for await (const entry of folder) {
    const below = `${path}/${entry.name}`;
    if (entry.isDirectory()) {
      if (below !== 'store/.tmp') yield* filesBelow(root, below);
    } else if (entry.isFile() && mayRestore(below) && !/^\..*\.part$/.test(entry.name)) {
      const stats = await lstat(`${root}/${below}`).catch(() => null);
      if (stats) yield { path: below, from: `${root}/${below}`, sizeBytes: stats.size };
    }
  }
}

/** Which key store holds the master key; null for none. Throws `secret.key_unreadable`. */
async function keyWrappedBy(folder: string): Promise<string | null> {
  const path = masterKeyPath(folder);
  const bytes = await readPrivateFile(path, maxKeyFileBytes);
  const file = bytes === null ? null : parseKeyFile(bytes);
  if (file !== null) return file.form === 'wrapped' ? file.wrappedBy : null;
  throw new DomainError(
    'secret.key_unreadable',
    `The master key ${path} is missing or damaged: a backup without it opens no secret and signs nothing, so none was made. Put back the file from an earlier backup ("slipway restore" into another folder, then copy keys/).`,
    { path },
  );
}

/** Throws `input.invalid`, `conflict`. */
async function assertFree({ root, file }: BackupRequest): Promise<void> {
  if (!isAbsolute(file))
    throw new DomainError('input.invalid', 'Give the whole path of the backup.', { field: 'file' });
  const inside = relative(resolve(root), resolve(file));
  if (inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside)) {
    throw new DomainError(
      'input.invalid',
      `${file} lies in the data folder that is backed up. Choose a place outside of it, best on another disk.`,
      { field: 'file' },
    );
  }
  if (await lstat(file).catch(() => null)) {
    throw new DomainError('conflict', `${file} is there already, and is not overwritten. Choose another name.`, {
      file,
    });
  }
}

function writeError(error: unknown, file: string): unknown {
  const code = systemErrorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new DomainError('store.full', `The disk of ${file} is full: no backup was made. Free some space there.`);
  }
  if (code && ['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR', 'EISDIR'].includes(code)) {
    return new DomainError('data.unwritable', `${file} cannot be written or read (${code}). Check the folder.`, {
      file,
    });
  }
  return error;
}

/**
 * Makes a backup at `file`, mode 0600; on failure nothing is left. `scratch` takes the copy of the database meanwhile. Memory grows with
 * the number of files, not with their bytes. Throws `input.invalid`, `conflict`, `data.*`, `secret.key_unreadable`, `store.full`.
 */
export async function writeBackup(
  request: BackupRequest,
  options: {
    readonly scratch: string;
    readonly now: () => number;
    readonly signal: AbortSignal;
    readonly onProgress: (progress: BackupProgress) => void;
  },
): Promise<BackupResult> {
  const { file, artifacts } = request;
  const { scratch, signal, onProgress } = options;
  const folder = dataFolder(request.root);
  await assertFree(request);
  const wrappedBy = await keyWrappedBy(folder.keys);
  const createdAtMs = options.now();
  const part = `${file}.part`;
  try {
    const { mainStoreUrl } = await copyDatabase(folder.databaseFile, scratch, () => signal.throwIfAborted());
    const storeIsInside = mainStoreUrl === null || mainStoreUrl === pathToFileURL(folder.mainStore).href;
    if (artifacts && !storeIsInside) {
      throw new DomainError(
        'input.invalid',
        `The packs lie in ${mainStoreUrl}, not in the data folder. Leave --artifacts out: a restored installation uses that store too.`,
        { field: 'artifacts' },
      );
    }
    const sources: Source[] = [{ path: databasePath, from: scratch, sizeBytes: (await stat(scratch)).size }];
    const hosts = await lstat(folder.knownHosts).catch(() => null);
    if (hosts?.isFile()) sources.push({ path: 'known_hosts', from: folder.knownHosts, sizeBytes: hosts.size });
    let packs = 0;
    for (const name of backedUpFolders) {
      if (name === 'store' && !storeIsInside) continue;
      for await (const source of filesBelow(folder.root, name)) {
        if (isPack(source.path)) packs += 1;
        if (artifacts || !isPack(source.path)) sources.push(source);
      }
    }
    const totalBytes = sources.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const header: BackupHeader = {
      ...{ type: 'slipway.backup/v1', version, createdAtMs, dataFolder: folder.root },
      ...{ storeIsInside, artifacts, keyWrappedBy: wrappedBy },
    };
    const entries: ManifestEntry[] = [];
    await pipeline(
      tarOf(header, sources, entries, doneBytes => onProgress({ doneBytes, totalBytes })),
      createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
      createWriteStream(part, { flags: 'wx', mode: 0o600, flush: true }),
      { signal },
    );
    await rename(part, file);
    return {
      ...{ file, createdAtMs, sizeBytes: (await stat(file)).size, files: entries.length, artifacts },
      ...{ packsLeftOut: artifacts ? 0 : packs, keyWrappedBy: wrappedBy },
    };
  } catch (error) {
    // One that another run is writing stays.
    if (systemErrorCode(error) === 'EEXIST') {
      throw new DomainError(
        'conflict',
        `${part} is there: another backup writes it, or one was cut off. Delete it, or choose another name.`,
        { file },
      );
    }
    await rm(part, { force: true });
    throw writeError(error, file);
  } finally {
    await rm(scratch, { force: true });
  }
}

function* textEntry(path: string, text: string): Generator<Uint8Array> {
  const bytes = Buffer.from(text, 'utf8');
  yield tarHeader({ kind: 'file', path, executable: false, sizeBytes: bytes.length });
  yield bytes;
  yield Buffer.alloc(tarPaddingBytes(bytes.length));
}

async function* tarOf(
  header: BackupHeader,
  sources: readonly Source[],
  entries: ManifestEntry[],
  onDone: (doneBytes: number) => void,
): AsyncGenerator<Uint8Array> {
  yield* textEntry(headerPath, `${JSON.stringify(header)}\n`);
  let doneBytes = 0;
  for (const source of sources) {
    for await (const bytes of fileEntry(source, entries)) {
      yield bytes;
      doneBytes += bytes.length;
      onDone(doneBytes);
    }
  }
  const lines = entries.map(entry => `${JSON.stringify(entry)}\n`);
  const digest = createHash('sha256');
  for (const line of lines) digest.update(line);
  const end = { entries: entries.length, sha256: digest.digest('hex') };
  yield* textEntry(manifestPath, `${lines.join('')}${JSON.stringify(end)}\n`);
  yield Buffer.alloc(tarEndBytes);
}

/** A log that grows is taken as long as it was; what was reclaimed meanwhile is left out. */
async function* fileEntry({ path, from, sizeBytes }: Source, entries: ManifestEntry[]): AsyncGenerator<Uint8Array> {
  const handle = await open(from, 'r').catch(error => {
    if (systemErrorCode(error) === 'ENOENT') return null;
    throw new DomainError('data.unwritable', `${from} cannot be read (${messageOf(error)}). Check its owner and mode.`);
  });
  if (handle === null) return;
  try {
    yield tarHeader({ kind: 'file', path, executable: false, sizeBytes });
    const digest = createHash('sha256');
    for (let position = 0; position < sizeBytes; ) {
      // One of its own for each read: what was given on is not written over.
      const buffer = Buffer.allocUnsafe(Math.min(readBytes, sizeBytes - position));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) {
        throw new DomainError('conflict', `${from} became shorter while it was read. Back up again.`, { path });
      }
      const bytes = buffer.subarray(0, bytesRead);
      digest.update(bytes);
      yield bytes;
      position += bytesRead;
    }
    yield Buffer.alloc(tarPaddingBytes(sizeBytes));
    entries.push({ path, sizeBytes, sha256: digest.digest('hex') });
  } finally {
    await handle.close();
  }
}
