/** Owns what the swarm process does with each command: one webtorrent client and its torrents. Knows no process and no channel. */
import { join } from 'node:path';
import type WebTorrent from 'webtorrent';
import { DomainError, type ErrorCode, messageOf, systemErrorCode } from '../contract/errors.ts';
import type { SwarmCommand, SwarmReport } from './messages.ts';
import { type Metainfo, parseMetainfo } from './metainfo.ts';
import { openPackTorrent, type PackTorrent } from './pack-torrent.ts';
import { createParkedSeeds } from './parked-seeds.ts';
import { createPieceCache } from './piece-cache.ts';
import { PieceFile } from './piece-file.ts';
import { readPieceRecord, removePieceRecord, writePieceRecord } from './piece-record.ts';
import { listeningPort, openTorrentClient, setLimits } from './torrent-client.ts';
import { whenAskedFor } from './torrent-internals.ts';
import { createTracker, type Tracker } from './tracker.ts';

type Command<Type extends SwarmCommand['type']> = Extract<SwarmCommand, { type: Type }>;

export interface SwarmSession {
  handle(command: SwarmCommand): void;
  /** Called once a second. */
  tick(): void;
  close(): Promise<void>;
}

interface Entry {
  readonly path: string;
  readonly folder: string;
  readonly bytes: Uint8Array;
  readonly torrent: PackTorrent;
  /** How many ticks nobody has needed it. */
  idleTicks: number;
}

/** A seed that nobody has needed for this long is put aside: it comes back when a peer asks. */
const parkAfterTicks = 30;
/** Torrents that are open at the same time; who asks for one more is heard when another is not needed any longer. */
const maxLive = 64;

function codeOf(error: unknown): ErrorCode {
  if (error instanceof DomainError) return error.code;
  const system = systemErrorCode(error);
  if (system === 'ENOSPC' || system === 'EDQUOT') return 'agent.disk_full';
  if (system === 'ENOENT') return 'not_found';
  return 'swarm.unavailable';
}

/** A session that reports through `send`; `onFailure` hears that the client is gone for good. */
export function createSwarmSession(
  send: (report: SwarmReport) => void,
  onFailure: (error: Error) => void,
): SwarmSession {
  const entries = new Map<string, Entry>();
  const parked = createParkedSeeds();
  const cache = createPieceCache();
  let client: WebTorrent | null = null;
  let opening = false;
  let lastStats = '[]';
  /** With the port that was asked for. */
  let tracker: (Tracker & { readonly port: number }) | null = null;
  let lastWork: Promise<unknown> = Promise.resolve();

  const warn = (event: string) => (error: unknown) =>
    send({ type: 'log', level: 'warn', event, message: messageOf(error) });

  const configure = async (command: Command<'configure'>): Promise<void> => {
    if (client !== null) return setLimits(client, command);
    if (opening) return;
    opening = true;
    try {
      client = await openTorrentClient(command, error => {
        if (client !== null) onFailure(error);
      });
      whenAskedFor(client, takeUp);
      send({ type: 'ready', port: listeningPort(client) });
    } catch (error) {
      opening = false;
      send({ type: 'listenFailed', systemCode: systemErrorCode(error), message: messageOf(error) });
    }
  };

  /** Opening takes a few turns of the event loop: a removal that comes meanwhile waits for it, and finds what it removes. */
  const inOrder = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = lastWork.then(work);
    lastWork = result.catch(() => undefined);
    return result;
  };

  const entryAt = (metainfo: Metainfo, path: string): Entry | null => {
    const existing = entries.get(metainfo.infoHash) ?? null;
    const aside = parked.get(metainfo.infoHash);
    if ((existing ?? aside ?? { path }).path === path) return existing;
    throw new DomainError(
      'conflict',
      `${metainfo.name} is in the swarm already, from ${(existing ?? aside)?.path}. Remove it there before using ${path}.`,
    );
  };

  const open = async (command: Command<'seed'> | Command<'download'>): Promise<Entry> => {
    if (client === null) throw new DomainError('swarm.unavailable', 'The swarm is not listening yet. Try again.');
    const torrent = Buffer.from(command.torrent, 'base64');
    const metainfo = parseMetainfo(torrent, null);
    const path = join(command.folder, metainfo.name);
    const existing = entryAt(metainfo, path);
    if (existing !== null) return existing;
    const seeds = command.type === 'seed';
    const file = new PieceFile({ ...metainfo, path, writable: !seeds, cache });
    const fileBytes = await file.openedSizeBytes();
    if (seeds && fileBytes !== metainfo.sizeBytes) {
      file.close(() => undefined);
      throw new DomainError(
        'artifact.digest_mismatch',
        `${path} has ${fileBytes} bytes where its torrent says ${metainfo.sizeBytes}. Copy the pack from another store.`,
      );
    }
    const knownPieces = (): Promise<Uint8Array | null> => {
      if (seeds) return Promise.resolve(null);
      // Of a file that was just made every piece is known to be missing: looking at each would cost a read.
      if (fileBytes === 0) return Promise.resolve(new Uint8Array(Math.ceil(metainfo.pieceCount / 8)));
      return readPieceRecord(path, metainfo);
    };
    const pack = openPackTorrent(
      client,
      {
        torrent,
        metainfo,
        file,
        skipVerify: seeds && command.verified,
        knownPieces: await knownPieces(),
        onPieces: pieces => writePieceRecord(path, metainfo, pieces),
        peers: seeds ? [] : command.peers,
        webSeeds: seeds ? [] : command.webSeeds,
        uploadedBytes: parked.get(metainfo.infoHash)?.stats.uploadedBytes ?? 0,
      },
      warn('swarm.torrent_warning'),
    );
    const entry = { path, folder: command.folder, bytes: torrent, torrent: pack, idleTicks: 0 };
    parked.drop(metainfo.infoHash);
    entries.set(metainfo.infoHash, entry);
    void pack.closed.then(error => {
      if (entries.get(metainfo.infoHash) === entry) entries.delete(metainfo.infoHash);
      if (error !== null) warn('swarm.torrent_failed')(error);
    });
    return entry;
  };

  const drop = async (infoHash: string): Promise<void> => {
    const entry = entries.get(infoHash);
    entries.delete(infoHash);
    parked.drop(infoHash);
    await entry?.torrent.close();
  };

  /** Closes its file and forgets its pieces; it is seeded all the same. */
  const park = async (infoHash: string): Promise<void> => {
    const entry = entries.get(infoHash);
    if (entry === undefined || !entry.torrent.isIdle()) return;
    const { path, folder, bytes } = entry;
    parked.put({ infoHash, torrent: bytes, folder, path, stats: entry.torrent.stats() });
    entries.delete(infoHash);
    await entry.torrent.close();
  };

  const takeUp = async (handshakeHash: string): Promise<void> => {
    const entry = await inOrder(async () => {
      const seed = parked.asked(handshakeHash);
      if (seed === null) return null;
      if (entries.size >= maxLive) for (const infoHash of [...entries.keys()]) await park(infoHash);
      if (entries.size >= maxLive) throw new Error(`${entries.size} torrents are open, and all of them are needed.`);
      const torrent = Buffer.from(seed.torrent).toString('base64');
      return open({ type: 'seed', id: 0, torrent, folder: seed.folder, verified: true });
    }).catch(error => {
      warn('swarm.seed_not_taken_up')(error);
      return null;
    });
    await entry?.torrent.completed.catch(() => undefined);
  };

  const seed = async (command: Command<'seed'>): Promise<void> => {
    const { path, torrent } = await inOrder(() => open(command));
    const { whole } = await torrent.opened;
    if (!whole) {
      await drop(torrent.metainfo.infoHash);
      throw new DomainError(
        'artifact.digest_mismatch',
        `${path} differs from its torrent and is not seeded. Copy the pack from another store.`,
      );
    }
    await torrent.completed;
    // One at a time: a control center seeds hundreds of packs, of which machines need a few.
    await inOrder(() => park(torrent.metainfo.infoHash));
    send({ type: 'seeding', id: command.id });
  };

  const download = async (command: Command<'download'>): Promise<void> => {
    const { path, torrent } = await inOrder(() => open(command));
    // The torrent may be open already, with bytes that an earlier download was told of.
    const before = torrent.stats();
    torrent.addPeers(command.peers);
    await torrent.completed;
    await removePieceRecord(path);
    pushStats();
    const after = torrent.stats();
    send({
      type: 'downloaded',
      id: command.id,
      bytesFromPeers: after.bytesFromPeers - before.bytesFromPeers,
      bytesFromWebSeed: after.bytesFromWebSeed - before.bytesFromWebSeed,
    });
  };

  const answer = (id: number, work: Promise<void>): void => {
    work.catch(error => send({ type: 'failed', id, code: codeOf(error), message: messageOf(error) }));
  };

  const pushStats = (): void => {
    const torrents = [...[...entries.values()].map(entry => entry.torrent.stats()), ...parked.stats()];
    const text = JSON.stringify(torrents);
    if (text === lastStats) return;
    lastStats = text;
    send({ type: 'stats', torrents });
  };

  const trackAt = async (command: Command<'track'>): Promise<void> => {
    if (tracker !== null && tracker.port === command.port) {
      tracker.setKeys(command.keys);
      return;
    }
    await tracker?.stop();
    tracker = null;
    if (command.port === null) {
      send({ type: 'tracking', port: null });
      return;
    }
    const { port } = command;
    const wanted = createTracker({ ...command, port, now: Date.now, onFailure: warn('swarm.tracker_ended') });
    try {
      const heldPort = await wanted.start();
      tracker = { ...wanted, port };
      send({ type: 'tracking', port: heldPort });
    } catch (error) {
      await wanted.stop();
      warn('swarm.tracker_not_started')(error);
      send({ type: 'tracking', port: null });
    }
  };

  const handle = (command: SwarmCommand): void => {
    switch (command.type) {
      case 'configure':
        void configure(command);
        return;
      case 'seed':
        answer(command.id, seed(command));
        return;
      case 'download':
        answer(command.id, download(command));
        return;
      case 'addPeers':
        entries.get(command.infoHash)?.torrent.addPeers(command.peers);
        return;
      case 'remove':
        void inOrder(() => drop(command.infoHash));
        return;
      case 'track':
        void inOrder(() => trackAt(command));
        return;
      case 'stop':
        // The process that hosts the session ends itself.
        return;
      default:
        command satisfies never;
    }
  };

  return {
    handle,
    tick: () => {
      for (const [infoHash, entry] of entries) {
        entry.torrent.tick();
        entry.idleTicks = entry.torrent.isIdle() ? entry.idleTicks + 1 : 0;
        if (entry.idleTicks >= parkAfterTicks) void inOrder(() => park(infoHash));
      }
      pushStats();
    },
    close: async () => {
      await tracker?.stop();
      await new Promise<void>(resolve => {
        if (client === null || client.destroyed) resolve();
        else client.destroy(() => resolve());
      });
    },
  };
}
