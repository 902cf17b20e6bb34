/** Owns telling trackers what this machine has and asking who else does, as long as it runs. A faster way to peers, never a needed one. */
import { createHash } from 'node:crypto';
import { messageOf } from '../contract/errors.ts';
import type { Signer } from '../secrets/signing-keys.ts';
import type { Logger } from '../telemetry/logger.ts';
import { announce } from './announce.ts';
import { machineTokenMs, signAnnounce } from './announce-token.ts';
import type { PeerAddress } from './messages.ts';

const lookEveryMs = 2_000;
/** Where the trackers are is asked anew this often. */
const trackersEveryMs = 60_000;
/** A tracker may wish for a time between these, and is not heeded beyond them. */
const shortestIntervalMs = 15_000;
const longestIntervalMs = 120_000;
/** While the pack is fetched: others that begin a little later are worth knowing. */
const fetchingIntervalMs = 5_000;
const firstRetryMs = 10_000;
const maxTrackers = 4;
const maxUnderWay = 8;

export interface AnnouncedPack {
  readonly infoHash: string;
  /** 0 where it is whole, and others may have it from here. */
  readonly leftBytes: number;
}

export interface Announcer {
  start(): void;
  /** Looks at once, as when a fetch begins. */
  look(): void;
  stop(): Promise<void>;
}

interface Standing {
  nextAtMs: number;
  failures: number;
  leftBytes: number;
  underWay: boolean;
}

/** URLs of trackers, bounded in number; what is no http URL is left out. */
function usable(urls: readonly string[]): string[] {
  const wanted = urls.filter(url => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol));
  return [...new Set(wanted)].slice(0, maxTrackers);
}

export function createAnnouncer(options: {
  readonly signer: Signer;
  /** Of the swarm; null while it does not listen. */
  readonly port: () => number | null;
  readonly packs: () => readonly AnnouncedPack[];
  readonly trackers: () => Promise<readonly string[]>;
  readonly onPeers: (infoHash: string, peers: readonly PeerAddress[]) => void;
  /** UTC milliseconds. */
  readonly now: () => number;
  readonly logger: Logger;
}): Announcer {
  const { signer, now, logger } = options;
  const stopping = new AbortController();
  const standings = new Map<string, Standing>();
  const working = new Set<Promise<void>>();
  const peerId = createHash('sha256').update(signer.keyId).digest('hex').slice(0, 40);
  let trackers: readonly string[] = [];
  let trackersAtMs = Number.NEGATIVE_INFINITY;
  let looking = false;
  let timer: NodeJS.Timeout | null = null;

  const ask = async (tracker: string, pack: AnnouncedPack, port: number, standing: Standing): Promise<void> => {
    const { infoHash, leftBytes } = pack;
    try {
      const token = signAnnounce({ infoHash, port, expiresAtMs: now() + machineTokenMs }, signer);
      const answer = await announce(tracker, { infoHash, peerId, port, leftBytes, token }, stopping.signal);
      standing.failures = 0;
      const wishedMs = Math.min(longestIntervalMs, Math.max(shortestIntervalMs, answer.intervalMs || 0));
      standing.nextAtMs = performance.now() + (leftBytes > 0 ? fetchingIntervalMs : wishedMs);
      if (answer.peers.length > 0) options.onPeers(infoHash, answer.peers);
    } catch (error) {
      if (stopping.signal.aborted) return;
      standing.nextAtMs = performance.now() + Math.min(longestIntervalMs, firstRetryMs * 2 ** standing.failures);
      standing.failures += 1;
      logger[standing.failures === 1 ? 'warn' : 'debug']('swarm.tracker_failed', { reason: messageOf(error) });
    }
  };

  /** Every pack to every tracker whose time has come. */
  const announceDue = (): void => {
    const port = options.port();
    const packs = port === null ? [] : options.packs();
    const wanted = new Set<string>();
    for (const tracker of trackers) {
      for (const pack of packs) {
        const key = `${tracker} ${pack.infoHash}`;
        wanted.add(key);
        const standing = standings.get(key) ?? { nextAtMs: 0, failures: 0, leftBytes: -1, underWay: false };
        standings.set(key, standing);
        const isChanged = (standing.leftBytes === 0) !== (pack.leftBytes === 0) && standing.failures === 0;
        const isDue = isChanged || standing.nextAtMs <= performance.now();
        if (!isDue || standing.underWay || working.size >= maxUnderWay || port === null) continue;
        standing.leftBytes = pack.leftBytes;
        standing.underWay = true;
        const work = ask(tracker, pack, port, standing).finally(() => {
          standing.underWay = false;
          working.delete(work);
        });
        working.add(work);
      }
    }
    for (const key of standings.keys()) if (!wanted.has(key)) standings.delete(key);
  };

  const look = async (): Promise<void> => {
    if (looking || stopping.signal.aborted) return;
    looking = true;
    try {
      if (performance.now() - trackersAtMs > trackersEveryMs) {
        trackersAtMs = performance.now();
        trackers = usable(await options.trackers());
      }
      if (!stopping.signal.aborted) announceDue();
    } catch (error) {
      logger.debug('swarm.trackers_not_read', { reason: messageOf(error) });
    } finally {
      looking = false;
    }
  };

  return {
    start: () => {
      timer ??= setInterval(() => void look(), lookEveryMs).unref();
      void look();
    },
    look: () => void look(),
    stop: async () => {
      if (timer !== null) clearInterval(timer);
      stopping.abort();
      await Promise.all(working);
    },
  };
}
