/** Owns one blob's way from one store to another: inside the provider where that can be, else from a file, never through memory. */
import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DomainError } from '../contract/errors.ts';
import type { BlobHead, BlobStore, PutOptions } from '../stores/blob-store.ts';
import { locateStore } from '../stores/store-location.ts';

/** SHA-256 of a blob in hex, by streaming; null where there is none. */
export async function digestOf(
  store: BlobStore,
  key: string,
  signal: AbortSignal,
  onRead: (bytes: number) => void = () => undefined,
): Promise<string | null> {
  if (!(await store.head(key))) return null;
  const hash = createHash('sha256');
  for await (const chunk of await store.get(key, { signal })) {
    hash.update(chunk);
    onRead(chunk.length);
  }
  return hash.digest('hex');
}

/** Whether a store may copy from another without the bytes passing through here. Folders cannot: a clone is what a put does. */
export function isSameProvider(one: BlobStore, other: BlobStore): boolean {
  const { kind } = locateStore(one.url);
  return kind !== 'filesystem' && kind === locateStore(other.url).kind;
}

/** Files on this machine that stand for blobs of stores elsewhere, as long as somebody sends them on. */
export interface Staging {
  /** Gives `work` a path that holds the blob: the store's own, or a download that is shared and removed after the last use. */
  withFile<Result>(
    store: BlobStore,
    key: string,
    options: { readonly signal: AbortSignal; readonly onRead: (bytes: number) => void },
    work: (file: { readonly path: string; readonly sizeBytes: number }) => Promise<Result>,
  ): Promise<Result>;
}

export function createStaging(folder: string): Staging {
  const files = new Map<string, { users: number; readonly ready: Promise<string> }>();

  async function download(
    store: BlobStore,
    key: string,
    { signal, onRead }: { readonly signal: AbortSignal; readonly onRead: (bytes: number) => void },
  ): Promise<string> {
    await mkdir(folder, { recursive: true });
    const path = join(folder, randomUUID());
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        onRead(chunk.length);
        done(null, chunk);
      },
    });
    try {
      await pipeline(await store.get(key, { signal }), counted, createWriteStream(path), { signal });
      return path;
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
  }

  return {
    async withFile(store, key, options, work) {
      const head = await store.head(key);
      if (!head) throw new DomainError('store.not_found', `${key} is not in the store ${store.url}.`, { key });
      const { sizeBytes } = head;
      const own = store.localPath(key);
      if (own !== null) return work({ path: own, sizeBytes });
      const name = `${store.url} ${key} ${head.version}`;
      const file = files.get(name) ?? { users: 0, ready: download(store, key, options) };
      files.set(name, file);
      file.users += 1;
      try {
        return await work({ path: await file.ready, sizeBytes });
      } finally {
        file.users -= 1;
        if (file.users === 0) {
          files.delete(name);
          await file.ready.then(path => rm(path, { force: true })).catch(() => undefined);
        }
      }
    },
  };
}

export interface TransferOptions extends Pick<PutOptions, 'sha256' | 'checksums' | 'resume' | 'onProgress'> {
  readonly staging: Staging;
  readonly signal: AbortSignal;
  /** Awaited before so many bytes leave this machine. */
  readonly throttle: (bytes: number) => Promise<void>;
  readonly onSent: (bytes: number) => void;
  readonly onRead: (bytes: number) => void;
}

/** Copies `key` from one of `sources` inside the provider, or uploads it from the first. Throws `store.*`, `artifact.digest_mismatch`. */
export async function transfer(
  sources: readonly [BlobStore, ...BlobStore[]],
  to: BlobStore,
  key: string,
  options: TransferOptions,
): Promise<BlobHead> {
  const { staging, throttle, onSent, onRead, ...put } = options;
  for (const source of sources) {
    if (!isSameProvider(source, to)) continue;
    const { resume: _resume, ...copyOptions } = put;
    // One account may not read the other's bucket where this machine may read both: then the bytes pass through here.
    const copied = await to.copyFrom(source, key, copyOptions).catch(error => {
      if (error instanceof DomainError && error.code === 'store.forbidden') return null;
      throw error;
    });
    if (copied) return copied;
  }
  const [first] = sources;
  return staging.withFile(first, key, { signal: options.signal, onRead }, async ({ path, sizeBytes }) => {
    let isCounted = false;
    const head = await to.put(
      key,
      { kind: 'file', path, sizeBytes },
      {
        ...put,
        throttle: async bytes => {
          isCounted = true;
          await throttle(bytes);
          onSent(bytes);
        },
      },
    );
    // A store that asks for no bandwidth, as a clone does, was sent the whole at once.
    if (!isCounted) onSent(sizeBytes);
    return head;
  });
}
