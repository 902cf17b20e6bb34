/** Owns the small documents of a region: trust, and the pointers of channels whose artifact is verified there. Not the packs. */
import { storeKeys } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { findBuild, listDeltaPacks } from '../database/builds.ts';
import type { Db } from '../database/open-database.ts';
import { findReplica } from '../database/regions.ts';
import { type ChannelRecord, findRelease, listChannels } from '../database/releases.ts';
import type { Clock } from '../domain/clock.ts';
import type { ChannelEnvironments } from '../releases/channel-environment.ts';
import { type PointerService, rolloutOf, type StoredPointer } from '../releases/pointer-service.ts';
import type { RegionStore } from '../releases/region-stores.ts';
import type { TrustService } from '../releases/trust-service.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import type { Logger } from '../telemetry/logger.ts';

/** A pointer that was written is looked at again only after this long: a region at rest costs nothing. */
const recheckMs = 60_000;

function isDamage(error: unknown): boolean {
  return error instanceof DomainError && ['store.malformed', 'trust.signature_invalid'].includes(error.code);
}

export interface RegionDocuments {
  /** Brings a region's trust and pointers up to date. Never throws: a region that is down is tried again. */
  publishTo(target: RegionStore): Promise<void>;
  /** The same for the main store, whose pointers are only renewed. */
  renewMain(main: BlobStore): Promise<void>;
  /** Waits for what is under way. */
  settle(): Promise<void>;
}

export function createRegionDocuments(options: {
  readonly db: Db;
  readonly trust: TrustService;
  readonly pointers: PointerService;
  readonly environments: ChannelEnvironments;
  readonly clock: Clock;
  readonly logger: Logger;
}): RegionDocuments {
  const { db, trust, pointers, environments, clock, logger } = options;
  /** What was last seen to be right: store and channel → release and digest of its environment, and the time. */
  const settled = new Map<string, { readonly content: string; readonly atMs: number }>();
  const turns = new Map<string, Promise<void>>();

  /** The main store decides which serials are taken: a copy of a region that cannot be read any more is written anew. */
  async function readPointer(
    store: BlobStore,
    channel: ChannelRecord,
    isCopy: boolean,
  ): Promise<{ readonly stored: StoredPointer | null; readonly version: string | null }> {
    try {
      const stored = await pointers.read(store, channel);
      return { stored, version: stored?.version ?? null };
    } catch (error) {
      if (!isCopy || !isDamage(error)) throw error;
      logger.warn('pointer.damaged', { store: store.url, channel: channel.name, error });
      const head = await store.head(storeKeys.pointer(channel.repositoryId, channel.name));
      return { stored: null, version: head?.version ?? null };
    }
  }

  async function publishPointer(store: BlobStore, channel: ChannelRecord, regionId: string | null): Promise<void> {
    const current = channel.currentReleaseId ? await findRelease(db, channel.currentReleaseId) : null;
    if (!current) return;
    const release = await environments.refresh(channel, current);
    const repairs = await pointers.repairs(channel);
    const name = `${store.url} ${channel.id}`;
    const content = `${release.id} ${release.environmentDigest} ${JSON.stringify([rolloutOf(release), repairs])}`;
    const known = settled.get(name);
    if (known?.content === content && clock() - known.atMs < recheckMs) return;
    const build = await findBuild(db, release.buildId);
    if (!build) return;
    if (regionId !== null) {
      const replica = await findReplica(db, build.packDigest, regionId);
      // A release waits in a region for that region's verified copy.
      if (replica?.status !== 'verified') return;
      // And for its deltas, which are on their way: machines that came first would fetch all of it. One that fails is not waited for.
      for (const delta of await listDeltaPacks(db, build.artifactId)) {
        const copy = await findReplica(db, delta.digest, regionId);
        if (copy?.status === 'pending' || copy?.status === 'copying') return;
      }
    }
    await environments.publishTo(store, channel, release);
    const { stored, version } = await readPointer(store, channel, regionId !== null);
    // What another control center encrypted, it encrypts anew: its pointer says to what.
    const isTheirs = stored?.pointer.releaseId === release.id && !(await environments.isOwn(release));
    const wanted = isTheirs ? { ...release, environmentDigest: stored.pointer.environmentDigest } : release;
    if (pointers.isDue(stored, wanted, repairs)) {
      await pointers.write(store, channel, await pointers.compose(channel, wanted), version);
    }
    settled.set(name, { content, atMs: clock() });
  }

  async function publish(store: BlobStore, regionId: string | null): Promise<void> {
    try {
      for (const channel of await listChannels(db)) {
        // One channel that cannot be published holds up no other.
        await publishPointer(store, channel, regionId).catch(error => tell(store, error, channel.name));
      }
      // After the pointers: a machine that finds itself trusted finds its environment encrypted to it.
      if (regionId !== null) await trust.publishTo(store);
    } catch (error) {
      tell(store, error, null);
    }
  }

  function tell(store: BlobStore, error: unknown, channel: string | null): void {
    const expected = error instanceof DomainError;
    logger[expected ? 'warn' : 'error']('region.documents_failed', { store: store.url, channel, error });
  }

  /** One at a time for each store, so that two looks cannot race for the same pointer. */
  function inTurn(store: BlobStore, regionId: string | null): Promise<void> {
    const next = (turns.get(store.url) ?? Promise.resolve()).then(() => publish(store, regionId));
    turns.set(store.url, next);
    return next;
  }

  return {
    publishTo: ({ region, store }) => inTurn(store, region.id),
    renewMain: main => inTurn(main, null),
    settle: async () => {
      await Promise.all(turns.values());
    },
  };
}
