/** Owns `slipway artifact torrent`: the bare torrent of a store, or a complete one of the running engine. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { storeKeys } from '../contract/documents.ts';
import { DomainError, messageOf } from '../contract/errors.ts';
import { formatSize } from '../domain/format-size.ts';
import { findArtifactId, findStoredPack } from '../releases/stored-artifact.ts';
import { parseMetainfo } from '../swarm/metainfo.ts';
import { callEngine } from './engine-client.ts';
import { type OutputOptions, plain, print, say } from './output.ts';
import { placeFile } from './place-file.ts';
import { chosenStore, type StoreOptions } from './stored-artifacts.ts';
import { writeBytes } from './write-bytes.ts';

export type TorrentOptions = StoreOptions & OutputOptions & { readonly out?: string; readonly region?: string };

const maxTorrentBytes = 8 * 1024 * 1024;

interface Torrent {
  /** Printed with `--json`. */
  readonly facts: {
    readonly artifactId: string;
    readonly sizeBytes: number;
    readonly pieceCount: number;
    readonly infoHash: string;
  };
  readonly bytes: Uint8Array;
  /** What a person should know besides. */
  readonly notes: readonly string[];
}

async function bareTorrent(named: string, options: TorrentOptions): Promise<Torrent> {
  const store = await chosenStore(options);
  const artifactId = await findArtifactId(store, named);
  const pack = await findStoredPack(store, artifactId);
  const key = storeKeys.torrent(pack.digest);
  const found = await store.read(key, maxTorrentBytes);
  if (found === null) throw new DomainError('store.not_found', `${key} is not in ${store.url}.`, { key });
  const { name, sizeBytes, infoHash, pieceCount } = parseMetainfo(found.bytes, pack.infoHash);
  return { facts: { artifactId, ...{ name }, sizeBytes, infoHash, pieceCount }, bytes: found.bytes, notes: [] };
}

async function fullTorrent(named: string, region: string, options: TorrentOptions): Promise<Torrent> {
  if (options.store !== undefined) {
    throw new DomainError(
      'input.invalid',
      'Give --region or --store: a complete torrent is signed by the running engine.',
    );
  }
  const artifactId = await findArtifactId(await chosenStore(options), named);
  const { content, ...facts } = await callEngine(options, client => client.artifacts.torrent({ artifactId, region }));
  const notes = [
    `It is a secret until ${new Date(facts.expiresAtMs).toLocaleString()}: whoever has it can fetch the pack.`,
    ...(facts.trackers === 0
      ? ['It names no tracker: set swarm.trackerPort or swarm.tracker to fetch from machines.']
      : []),
    ...(facts.noWebSeed === null ? [] : [`It names no web seed: ${plain(facts.noWebSeed)}.`]),
    'Machines and this control center take encrypted handshakes alone; other clients have a setting for that.',
  ];
  return { facts: { artifactId, ...facts }, bytes: Buffer.from(content, 'base64'), notes };
}

/** Writes the torrent to `--out`, or to stdout. Throws `input.invalid`, `not_found`, `store.*`, `swarm.no_source`, `data.unwritable`. */
export async function writeTorrent(named: string, options: TorrentOptions): Promise<void> {
  const { facts, bytes, notes } =
    options.region === undefined
      ? await bareTorrent(named, options)
      : await fullTorrent(named, options.region, options);
  const words = `${formatSize(facts.sizeBytes)} in ${facts.pieceCount} pieces, info hash ${facts.infoHash}`;
  if (options.out !== undefined) {
    const out = resolve(options.out);
    await placeFile(out, temporary => writeFile(temporary, bytes, { mode: 0o600 })).catch(error => {
      throw new DomainError('data.unwritable', `The torrent cannot be written to ${out}: ${messageOf(error)}`, { out });
    });
    print({ ...facts, out }, options, `${plain(out)}: ${words}`);
  } else if (options.json) {
    print({ ...facts, encoding: 'base64', content: Buffer.from(bytes).toString('base64') }, options, '');
  } else {
    if (process.stdout.isTTY) {
      throw new DomainError('input.invalid', 'A torrent is no text. Name a file with --out, or redirect it.');
    }
    await writeBytes(process.stdout, bytes);
    say(words);
  }
  for (const note of notes) say(note);
}
