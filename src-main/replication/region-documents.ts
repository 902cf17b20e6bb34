/** Owns the small documents of a store: trust, and the pointers of channels whose artifact is verified there. Not the packs. */
import { storeKeys } from '../contract/documents.ts';
import { DomainError, messageOf } from '../contract/errors.ts';
import type { AuditFinding } from '../contract/replication-api.ts';
import { findEnvironmentSeal } from '../database/channel-environment.ts';
import type { Db } from '../database/open-database.ts';
import type { Clock } from '../domain/clock.ts';
import type { ChannelEnvironments } from '../releases/channel-environment.ts';
import { type PointerService, rolloutOf, type StoredPointer } from '../releases/pointer-service.ts';
import type { RegionStore, RegionStores } from '../releases/region-stores.ts';
import type { TrustService } from '../releases/trust-service.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type ChannelPlan, mayPublish, type PlannedChannel, planChannels } from './channel-plan.ts';
import { missing, type Problem } from './pack-documents.ts';
import { digestOf } from './transfer.ts';

/** A pointer that was written is looked at again only after this long: a region at rest costs nothing. */
const recheckMs = 60_000;
/** Many pointers are looked at the less often: at most so many looks a second. */
const looksPerSecond = 5;
/** Machines refuse a pointer after 30 days; it is issued anew after one. */
const renewAfterMs = 24 * 60 * 60 * 1000;

/** What of a pointer's problem is ours to mend; `foreign` is not. */
function problemOfPointer(error: unknown): Problem | 'foreign' | null {
  if (!(error instanceof DomainError)) return null;
  const detail = messageOf(error);
  if (error.code === 'store.malformed' || error.code === 'trust.signature_invalid')
    return { problem: 'damaged', detail };
  if (error.code !== 'trust.untrusted') return null;
  // Signed by a key of ours for another place; what a key that we do not know has signed is not ours to replace.
  return 'serial' in error.details ? { problem: 'misplaced', detail } : 'foreign';
}

export interface RegionDocuments {
  /** What every store should hold, for one round of `publishTo`. */
  plan(): Promise<ChannelPlan>;
  /** Brings a region's trust and pointers up to date. Never throws: a region that is down is tried again. */
  publishTo(target: RegionStore, plan: ChannelPlan): Promise<void>;
  /** The same for the main store, whose pointers are only renewed. */
  renewMain(plan?: ChannelPlan): Promise<void>;
  /** Reads every document of a store and makes it right. `regionId` is null for the main store. Throws `store.*` of the whole store. */
  audit(
    store: BlobStore,
    regionId: string | null,
    signal: AbortSignal,
  ): Promise<{ readonly documents: number; readonly findings: readonly AuditFinding[] }>;
  /** Waits for what is under way. */
  settle(): Promise<void>;
}

export function createRegionDocuments(options: {
  readonly db: Db;
  readonly stores: RegionStores;
  readonly trust: TrustService;
  readonly pointers: PointerService;
  readonly environments: ChannelEnvironments;
  readonly clock: Clock;
  readonly logger: Logger;
}): RegionDocuments {
  const { db, stores, trust, pointers, environments, clock, logger } = options;
  /** What was last seen to be right, by store and channel. */
  const settled = new Map<
    string,
    { readonly content: string; readonly version: string; atMs: number; issuedAtMs: number }
  >();
  const running = new Map<string, Promise<void>>();
  const waiting = new Map<string, ChannelPlan>();

  const longestRest = () => Math.max(recheckMs, (settled.size / looksPerSecond) * 1_000);
  const contentOf = ({ release, repairs }: PlannedChannel) =>
    `${release.id} ${release.environmentDigest} ${JSON.stringify([rolloutOf(release), repairs])}`;

  /** The main store decides which serials are taken: where its own pointer is lost, the highest of the regions' counts. */
  async function highestOfRegions({ channel }: PlannedChannel): Promise<StoredPointer | null> {
    let highest: StoredPointer | null = null;
    for (const { store } of await stores.regional()) {
      const found = await pointers.read(store, channel).catch(() => null);
      if (found && found.pointer.serial > (highest?.pointer.serial ?? 0)) highest = found;
    }
    return highest;
  }

  async function readPointer(
    store: BlobStore,
    { channel }: PlannedChannel,
  ): Promise<{
    readonly stored: StoredPointer | null;
    readonly version: string | null;
    readonly problem: Problem | null;
  }> {
    try {
      const stored = await pointers.read(store, channel);
      return { stored, version: stored?.version ?? null, problem: stored ? null : missing };
    } catch (error) {
      const problem = problemOfPointer(error);
      if (problem === null || problem === 'foreign') throw error;
      logger.warn('pointer.damaged', { store: store.url, channel: channel.name, error });
      const head = await store.head(storeKeys.pointer(channel.repositoryId, channel.name));
      return { stored: null, version: head?.version ?? null, problem };
    }
  }

  /** Whether all is as it was when it was last seen, with at most one head of the store. */
  async function isSettled(store: BlobStore, name: string, planned: PlannedChannel): Promise<boolean> {
    const { channel, release } = planned;
    const known = settled.get(name);
    if (known?.content !== contentOf(planned) || clock() - known.issuedAtMs > renewAfterMs) return false;
    if (Math.abs(clock() - known.atMs) < longestRest()) return true;
    const head = await store.head(storeKeys.pointer(channel.repositoryId, channel.name));
    if (head?.version !== known.version) return false;
    const { environmentDigest: digest } = release;
    if (digest && !(await store.head(storeKeys.environment(channel.repositoryId, channel.name, digest)))) return false;
    known.atMs = clock();
    return true;
  }

  /** Makes the pointer of a channel right in one store, and says what was wrong with it. Throws `store.*`, `trust.untrusted`. */
  async function publishPointer(store: BlobStore, planned: PlannedChannel, isMain: boolean): Promise<Problem | null> {
    const { channel, release, repairs } = planned;
    const askedAtMs = clock();
    await environments.publishTo(store, channel, release);
    const { stored, version, problem } = await readPointer(store, planned);
    // What another control center encrypted, it encrypts anew: its pointer says to what.
    const isTheirs = stored?.pointer.releaseId === release.id && !(await environments.isOwn(release));
    const wanted = isTheirs ? { ...release, environmentDigest: stored.pointer.environmentDigest } : release;
    const name = `${store.url} ${channel.id}`;
    if (!pointers.isDue(stored, wanted, repairs)) {
      if (stored)
        settle(name, planned, { version: stored.version, issuedAtMs: stored.pointer.issuedAtMs, atMs: askedAtMs });
      return null;
    }
    const lost = isMain && stored === null ? await highestOfRegions(planned) : null;
    const pointer =
      lost && lost.pointer.serial > release.serial ? lost.pointer : await pointers.compose(channel, wanted);
    const written = await pointers.write(store, channel, pointer, version).catch(error => {
      // Another release went live in between: it has written what belongs here.
      if (error instanceof DomainError && error.code === 'release.serial_taken') return null;
      throw error;
    });
    if (written !== null) settle(name, planned, { version: written, issuedAtMs: clock(), atMs: askedAtMs });
    if (problem !== null || stored === null || stored.pointer.serial === release.serial) return problem;
    return { problem: 'stale', detail: `it has serial ${stored.pointer.serial} instead of ${release.serial}` };
  }

  function settle(
    name: string,
    planned: PlannedChannel,
    seen: { readonly version: string; readonly issuedAtMs: number; readonly atMs: number },
  ): void {
    settled.set(name, { content: contentOf(planned), ...seen });
  }

  const isWanted = (planned: PlannedChannel, regionId: string | null, plan: ChannelPlan) =>
    regionId === null || mayPublish(planned, regionId, plan);

  async function publish(store: BlobStore, regionId: string | null, plan: ChannelPlan): Promise<void> {
    try {
      for (const planned of plan.channels) {
        if (!isWanted(planned, regionId, plan)) continue;
        try {
          if (await isSettled(store, `${store.url} ${planned.channel.id}`, planned)) continue;
          await publishPointer(store, planned, regionId === null);
        } catch (error) {
          // One channel that cannot be published holds up no other.
          tell(store, error, planned.channel.name);
        }
      }
      // After the pointers: a machine that finds itself trusted finds its environment encrypted to it.
      await trust.publishTo(store);
    } catch (error) {
      tell(store, error, null);
    }
  }

  function tell(store: BlobStore, error: unknown, channel: string | null): void {
    const expected = error instanceof DomainError;
    logger[expected ? 'warn' : 'error']('region.documents_failed', { store: store.url, channel, error });
  }

  /** One at a time for each store, so that two looks cannot race for the same pointer; of those that wait, the newest counts. */
  function inTurn(store: BlobStore, regionId: string | null, plan: ChannelPlan): Promise<void> {
    waiting.set(store.url, plan);
    const known = running.get(store.url);
    if (known) return known;
    const work = (async () => {
      for (let next = waiting.get(store.url); next; next = waiting.get(store.url)) {
        waiting.delete(store.url);
        await publish(store, regionId, next);
      }
      running.delete(store.url);
    })();
    running.set(store.url, work);
    return work;
  }

  async function auditEnvironment(
    store: BlobStore,
    { channel, release }: PlannedChannel,
    signal: AbortSignal,
  ): Promise<AuditFinding[]> {
    const { environmentDigest: digest } = release;
    if (digest === null) return [];
    const key = storeKeys.environment(channel.repositoryId, channel.name, digest);
    const found = await digestOf(store, key, signal);
    if (found === digest) return [];
    const problem: Problem = found ? { problem: 'damaged', detail: 'its digest is not its name' } : missing;
    const sealed = await findEnvironmentSeal(db, digest);
    if (sealed === null) {
      return [{ key, ...problem, action: 'reported', done: 'another control center encrypted it and writes it again' }];
    }
    const bytes = Buffer.from(sealed.ciphertext, 'base64');
    await store.put(key, { kind: 'bytes', bytes }, { sha256: digest });
    return [{ key, ...problem, action: 'repaired', done: 'written again as it was encrypted' }];
  }

  async function auditChannel(
    store: BlobStore,
    planned: PlannedChannel,
    isMain: boolean,
    signal: AbortSignal,
  ): Promise<AuditFinding[]> {
    const { channel } = planned;
    const key = storeKeys.pointer(channel.repositoryId, channel.name);
    const findings = await auditEnvironment(store, planned, signal);
    try {
      const problem = await publishPointer(store, planned, isMain);
      if (problem) findings.push({ key, ...problem, action: 'repaired', done: 'signed and written anew' });
    } catch (error) {
      if (problemOfPointer(error) !== 'foreign') throw error;
      const done = 'left as it is: its key is not one of this installation';
      findings.push({ key, problem: 'foreign', detail: messageOf(error), action: 'reported', done });
    }
    return findings;
  }

  return {
    plan: () => planChannels(db, { environments, pointers, logger }),
    publishTo: ({ region, store }, plan) => inTurn(store, region.id, plan),
    renewMain: async plan =>
      inTurn(stores.main, null, plan ?? (await planChannels(db, { environments, pointers, logger }))),
    async audit(store, regionId, signal) {
      await running.get(store.url);
      const plan = await planChannels(db, { environments, pointers, logger });
      const findings: AuditFinding[] = [];
      const wanted = plan.channels.filter(planned => isWanted(planned, regionId, plan));
      for (const planned of wanted) {
        signal.throwIfAborted();
        findings.push(...(await auditChannel(store, planned, regionId === null, signal)));
      }
      const problem = await trust.publishTo(store, { read: true });
      if (problem) {
        const detail =
          problem === 'stale' ? 'it is an older one' : problem === 'missing' ? missing.detail : 'it cannot be read';
        findings.push({ key: storeKeys.trust, problem, detail, action: 'repaired', done: 'written again' });
      }
      return { documents: wanted.length + 1, findings };
    },
    settle: async () => {
      waiting.clear();
      await Promise.all(running.values());
    },
  };
}
