/** Owns what the engine seeds, over restarts of the swarm process. Knows no process. */
import { DomainError } from '../contract/errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { SwarmCommand } from './messages.ts';

interface Seed {
  /** Base64. */
  readonly torrent: string;
  readonly folder: string;
  verified: boolean;
  /** The request under way, or the last one. */
  id: number;
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export interface SeedRequest {
  readonly infoHash: string;
  /** Base64. */
  readonly torrent: string;
  readonly folder: string;
  readonly verified: boolean;
}

export interface Seeds {
  /** Remembers a seed, and asks for it where a process listens. Throws `conflict` for another folder than before. */
  add(request: SeedRequest, listening: boolean): Promise<void>;
  /** Remembers what the process seeds by itself after a download. */
  adopt(request: Omit<SeedRequest, 'verified'>): void;
  /** Asks a new process for everything. */
  resend(): void;
  finish(id: number): void;
  fail(id: number, error: DomainError): void;
  remove(infoHash: string, error: DomainError): void;
  removeAll(error: DomainError): void;
}

/** The seeds of one client. */
export function createSeeds(options: {
  readonly send: (command: SwarmCommand) => void;
  readonly newId: () => number;
  readonly logger: Logger;
}): Seeds {
  const { send, newId, logger } = options;
  const seeds = new Map<string, Seed>();

  const request = (seed: Seed): void => {
    seed.id = newId();
    send({ type: 'seed', id: seed.id, torrent: seed.torrent, folder: seed.folder, verified: seed.verified });
  };

  const remember = ({ infoHash, torrent, folder, verified }: SeedRequest): Seed => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => undefined);
    const seed: Seed = { torrent, folder, verified, id: 0, done: promise, resolve, reject };
    seeds.set(infoHash, seed);
    return seed;
  };

  const byId = (id: number): [string, Seed] | null => {
    for (const entry of seeds) if (entry[1].id === id) return entry;
    return null;
  };

  const remove = (infoHash: string, error: DomainError): void => {
    seeds.get(infoHash)?.reject(error);
    seeds.delete(infoHash);
  };

  return {
    add: async (wanted, listening) => {
      const known = seeds.get(wanted.infoHash);
      if (known === undefined) {
        const seed = remember(wanted);
        if (listening) request(seed);
        return seed.done;
      }
      if (known.folder === wanted.folder) return known.done;
      throw new DomainError('conflict', `The pack is seeded from ${known.folder} already. Remove it there first.`, {
        infoHash: wanted.infoHash,
        folder: known.folder,
      });
    },
    adopt: finished => {
      // Somebody may wait for the same seed already.
      const seed = seeds.get(finished.infoHash) ?? remember({ ...finished, verified: true });
      seed.verified = true;
      seed.resolve();
    },
    resend: () => {
      for (const seed of seeds.values()) request(seed);
    },
    finish: id => {
      const [, seed] = byId(id) ?? [];
      if (seed === undefined) return;
      seed.verified = true;
      seed.resolve();
    },
    fail: (id, error) => {
      const [infoHash] = byId(id) ?? [];
      if (infoHash === undefined) return;
      remove(infoHash, error);
      logger.warn('swarm.seed_refused', { infoHash, code: error.code, reason: error.message });
    },
    remove,
    removeAll: error => {
      for (const infoHash of [...seeds.keys()]) remove(infoHash, error);
    },
  };
}
