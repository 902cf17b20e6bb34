/** Owns the complete torrent of an artifact for other clients: with a tracker, a signed announce, and the region's object as web seed. */
import { storeKeys } from '../contract/documents.ts';
import { DomainError, messageOf } from '../contract/errors.ts';
import { findBuildOfArtifact } from '../database/builds.ts';
import { reclaimedError } from '../database/pack-holds.ts';
import { listRegions } from '../database/regions.ts';
import type { Engine } from '../engine.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import { signAnnounce, torrentTokenMs } from '../swarm/announce-token.ts';
import { completeTorrent, parseMetainfo } from '../swarm/metainfo.ts';

const maxTorrentBytes = 8 * 1024 * 1024;

export interface CompleteTorrent {
  readonly name: string;
  readonly sizeBytes: number;
  readonly infoHash: string;
  readonly pieceCount: number;
  readonly trackers: number;
  readonly hasWebSeed: boolean;
  /** Why the region's object is no web seed; null where it is one. */
  readonly noWebSeed: string | null;
  readonly expiresAtMs: number;
  /** Base64. */
  readonly content: string;
}

/** The store of a region by its name or id. Throws `not_found`. */
async function storeOf(engine: Engine, named: string): Promise<BlobStore> {
  const regions = await listRegions(engine.db);
  const region = regions.find(candidate => candidate.name === named || candidate.id === named);
  if (region === undefined) {
    const names = regions.map(({ name }) => name).join(', ');
    throw new DomainError('not_found', `There is no region "${named}". Regions: ${names}.`, { named });
  }
  if (region.isMain === 1) return engine.stores.main;
  const found = (await engine.stores.regional()).find(candidate => candidate.region.id === region.id);
  return found?.store ?? engine.stores.main;
}

/** A URL that reads the pack from `store` for a while, or why there is none. */
async function webSeedOf(store: BlobStore, key: string): Promise<{ url: string } | { reason: string }> {
  try {
    if ((await store.head(key)) === null) return { reason: `the pack is not in ${store.url} yet` };
    const url = await store.signedUrl(key, torrentTokenMs);
    return url === null ? { reason: `${store.url} has no URLs that other programs could read` } : { url };
  } catch (error) {
    return { reason: messageOf(error) };
  }
}

/**
 * Whoever has it can fetch the pack for a week: it holds a signed URL of the store, where that has such, and an announce that the
 * control center's key has signed for this pack alone. Throws `not_found`, `artifact.*`, `store.not_found`, `swarm.no_source` where
 * it would name no place to fetch from.
 */
export async function completeTorrentOf(engine: Engine, artifactId: string, region: string): Promise<CompleteTorrent> {
  const build = await findBuildOfArtifact(engine.db, artifactId);
  if (!build) throw new DomainError('not_found', `No build made the artifact ${artifactId}.`, { artifactId });
  if (build.reclaimedAt !== null) throw reclaimedError(build);
  const store = await storeOf(engine, region);
  const key = storeKeys.torrent(build.packDigest);
  const found = await engine.stores.main.read(key, maxTorrentBytes);
  if (found === null) throw new DomainError('store.not_found', `${key} is not in ${engine.stores.main.url}.`, { key });
  const { name, sizeBytes, infoHash, pieceCount } = parseMetainfo(found.bytes, build.infoHash);
  const expiresAtMs = engine.clock() + torrentTokenMs;
  const token = signAnnounce({ infoHash, port: 0, expiresAtMs }, engine.keyring.release);
  const trackers = engine.seeding.trackers().map(url => {
    const signed = new URL(url);
    signed.searchParams.set('token', token);
    return signed.href;
  });
  const webSeed = await webSeedOf(store, storeKeys.pack(build.packDigest));
  if (trackers.length === 0 && 'reason' in webSeed) {
    throw new DomainError(
      'swarm.no_source',
      `The torrent would name no place to fetch from: ${webSeed.reason}, and there is no tracker. Set one with "slipway settings set swarm.trackerPort 6969", and open the swarm with "slipway swarm open".`,
      { artifactId, region },
    );
  }
  const torrent = completeTorrent(found.bytes, { trackers, webSeeds: 'url' in webSeed ? [webSeed.url] : [] });
  return {
    name,
    sizeBytes,
    infoHash,
    pieceCount,
    trackers: trackers.length,
    hasWebSeed: 'url' in webSeed,
    noWebSeed: 'reason' in webSeed ? webSeed.reason : null,
    expiresAtMs,
    content: Buffer.from(torrent).toString('base64'),
  };
}
