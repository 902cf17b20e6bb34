/** Owns one torrent inside the swarm process: its file, its sources and its counts. Knows nothing of messages. */
import { isIPv6 } from 'node:net';
import type WebTorrent from 'webtorrent';
import type { Torrent, Wire } from 'webtorrent';
import { createBannedPeers } from './banned-peers.ts';
import type { PeerAddress, TorrentStats } from './messages.ts';
import { type Metainfo, pieceHashesOf } from './metainfo.ts';
import type { PieceFile } from './piece-file.ts';
import { createPlannedDownload } from './planned-download.ts';
import { PlanExtension } from './source.ts';
import { assembleOncePerMessage, hasEncryptedHandshake, stopOwnFetching, unsentBytes } from './torrent-internals.ts';

/** Peers come first, to spare the region's store. Where less than this is gained in a tick the web seed joins, and then stays. */
const enoughGainedPerTickBytes = 1024 * 1024;
/** webtorrent gives a peer up after four attempts; machines restart and come back, so what is not whole asks again this often. */
const redialEveryTicks = 15;
/** What was loaded since is read again after a crash: some seconds of work, against a flush of the disk each time. */
const noteEveryTicks = 20;
/** A machine gives to all that ask, up to the connections that the client holds. */
const maxPeersServed = 100;
/** What other clients may ask for at once, as the extended handshake tells them (BEP 10). */
const maxRequestsHeld = 500;
/** Twice what our own machines ask for in advance. */
const maxUnsentBytes = 16 * 1024 * 1024;

export interface PackTorrentOptions {
  readonly torrent: Uint8Array;
  readonly metainfo: Metainfo;
  readonly file: PieceFile;
  readonly skipVerify: boolean;
  /** Pieces that are known to be there, one bit each; one of them is checked. Null has all of the file checked. */
  readonly knownPieces: Uint8Array | null;
  /** Keeps which pieces are on the disk itself, so that another process can go on. */
  readonly onPieces: (pieces: Uint8Array) => Promise<void>;
  readonly peers: readonly PeerAddress[];
  readonly webSeeds: readonly string[];
  /** What was given before, where the torrent is taken up again. */
  readonly uploadedBytes: number;
}

export interface PackTorrent {
  readonly metainfo: Metainfo;
  /** Resolves once pieces on disk have been looked at; `whole` says whether all of them are there. Rejects when it fails before. */
  readonly opened: Promise<{ readonly whole: boolean }>;
  /** Resolves when every piece is verified and flushed to disk. Rejects when the torrent fails or is closed before. */
  readonly completed: Promise<void>;
  /** Resolves when the torrent has ended, with the error that ended it. */
  readonly closed: Promise<Error | null>;
  stats(): TorrentStats;
  /** Whether it is whole, and nobody who lacks a piece is connected. */
  isIdle(): boolean;
  addPeers(peers: readonly PeerAddress[]): void;
  /** Called once a second: brings in the web seed, dials again. */
  tick(): void;
  close(): Promise<void>;
}

/** A peer that asks and never takes would fill this process: its connection ends. */
function limitRequests(wire: Wire): void {
  wire.extendedHandshake.reqq = maxRequestsHeld;
  wire.on('request', () => {
    if (unsentBytes(wire) > maxUnsentBytes) wire.destroy();
  });
}

function addressOf(peer: PeerAddress): string {
  return isIPv6(peer.host) ? `[${peer.host}]:${peer.port}` : `${peer.host}:${peer.port}`;
}

/** Opens a torrent on `client`; the file must be openable. What is on disk already is verified and not fetched again. */
export function openPackTorrent(
  client: WebTorrent,
  options: PackTorrentOptions,
  onWarning: (error: Error) => void,
): PackTorrent {
  const { metainfo, file } = options;
  const peers = new Map(options.peers.map(peer => [addressOf(peer), peer]));
  const bytes = { fromPeers: 0, fromWebSeed: 0, uploaded: options.uploadedBytes };
  let failure: Error | null = null;
  let complete = false;
  let webSeedJoined = false;
  let ticks = 0;
  let mostBytesDone = 0;

  const torrent: Torrent = client.add(options.torrent, {
    preloadedStore: file,
    storeCacheSlots: 0,
    skipVerify: options.skipVerify,
    ...(options.knownPieces === null ? {} : { bitfield: options.knownPieces }),
    // What is fetched is up to the plan.
    deselect: true,
    uploads: maxPeersServed,
    // webtorrent 3.0.21 takes a peer that has told nothing yet for a full one, and would never give it anything.
    alwaysChokeSeeders: false,
    private: true,
  });

  stopOwnFetching(torrent);

  const dial = (): void => {
    if (!torrent.ready || torrent.destroyed || complete) return;
    for (const address of peers.keys()) torrent.addPeer(address);
  };
  const joinWebSeed = (): void => {
    if (webSeedJoined || torrent.destroyed || complete) return;
    webSeedJoined = true;
    for (const url of options.webSeeds) torrent.addWebSeed(url);
  };

  const fail = (error: Error): void => {
    failure ??= error;
    if (!torrent.destroyed) torrent.destroy({ destroyStore: false });
  };
  const notePieces = async (): Promise<void> => {
    const pieces = Uint8Array.from(torrent.bitfield.buffer);
    await file.flush();
    if (!complete && !torrent.destroyed) await options.onPieces(pieces);
  };
  const banned = createBannedPeers();
  const plan = createPlannedDownload({
    torrent,
    metainfo,
    pieceHashes: pieceHashesOf(options.torrent, metainfo),
    file,
    ownId: client.peerId,
    onWrongPiece: (wire, piece) => {
      banned.ban(wire);
      const error = new Error(`Piece ${piece} from ${wire.type} ${wire.peerId} was wrong; it is not asked again.`);
      // Where nobody else is known there is nothing to wait for: the stores are read plainly then, each by itself.
      if (wire.type === 'webSeed' && peers.size === 0) fail(error);
      else onWarning(error);
    },
    onFailure: fail,
  });
  torrent.on('wire', (wire: Wire, address) => {
    if (banned.refuse(wire, address)) return;
    if (wire.type !== 'webSeed') {
      if (!hasEncryptedHandshake(wire)) {
        wire.destroy();
        return;
      }
      wire.use(PlanExtension);
      limitRequests(wire);
    }
    assembleOncePerMessage(wire);
    if (!complete) plan.addWire(wire);
    wire.on('download', payloadBytes => {
      if (wire.type === 'webSeed') bytes.fromWebSeed += payloadBytes;
      else bytes.fromPeers += payloadBytes;
    });
    wire.on('upload', payloadBytes => {
      bytes.uploaded += payloadBytes;
    });
  });
  torrent.on('warning', onWarning);
  torrent.on('error', error => {
    failure = error;
  });
  const onNoteFailed = (error: unknown): void => onWarning(error instanceof Error ? error : new Error(String(error)));
  const ended = (): Error => failure ?? new Error('The torrent was closed.');

  const opened = new Promise<{ whole: boolean }>((resolve, reject) => {
    torrent.once('ready', () => {
      resolve({ whole: torrent.progress === 1 });
      if (torrent.progress < 1) plan.start();
      dial();
      if (peers.size === 0) joinWebSeed();
    });
    // An error destroys the torrent, so `close` follows it; it is emitted in the same turn, after `error`.
    torrent.once('close', () => reject(ended()));
  });
  const completed = new Promise<void>((resolve, reject) => {
    torrent.once('done', () => {
      plan.stop();
      file.flush().then(() => {
        complete = true;
        resolve();
      }, reject);
    });
    torrent.once('close', () => reject(ended()));
  });
  const closed = new Promise<Error | null>(resolve => torrent.once('close', () => resolve(failure)));
  void closed.then(() => plan.stop());
  // Either is looked at by who asked for it; a torrent that is closed unasked must not end the process.
  opened.catch(() => undefined);
  completed.catch(() => undefined);

  return {
    metainfo,
    opened,
    completed,
    closed,
    stats: () => ({
      infoHash: metainfo.infoHash,
      name: metainfo.name,
      sizeBytes: metainfo.sizeBytes,
      complete,
      progress: complete ? 1 : Math.min(1, (torrent.downloaded || 0) / metainfo.sizeBytes),
      peers: torrent.wires.filter(wire => wire.type !== 'webSeed').length,
      bytesFromPeers: bytes.fromPeers,
      bytesFromWebSeed: bytes.fromWebSeed,
      uploadedBytes: bytes.uploaded,
      downloadBytesPerSecond: Math.round(torrent.downloadSpeed),
      uploadBytesPerSecond: Math.round(torrent.uploadSpeed),
    }),
    isIdle: () => complete && torrent.wires.every(wire => wire.isSeeder === true),
    addPeers: more => {
      for (const peer of more) peers.set(addressOf(peer), peer);
      dial();
    },
    tick: () => {
      if (!torrent.ready || complete) return;
      ticks += 1;
      plan.tick();
      if (ticks % noteEveryTicks === 0) notePieces().catch(onNoteFailed);
      if (ticks % redialEveryTicks === 0) dial();
      // What counts is what stays: a peer that sends wrong pieces at full speed gives nothing.
      const gainedBytes = torrent.downloaded - mostBytesDone;
      if (gainedBytes < enoughGainedPerTickBytes) joinWebSeed();
      mostBytesDone = Math.max(mostBytesDone, torrent.downloaded);
    },
    close: () =>
      new Promise(resolve => {
        if (torrent.destroyed) resolve();
        else torrent.destroy({ destroyStore: false }, () => resolve());
      }),
  };
}
