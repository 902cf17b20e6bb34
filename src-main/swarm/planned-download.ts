/** Owns which piece is asked of whom, and what becomes of the answer: webtorrent connects the machines, this moves the pieces. */
import { hash } from 'node:crypto';
import type { Torrent, Wire } from 'webtorrent';
import type { Metainfo } from './metainfo.ts';
import { createPieceBuffers, type PieceBuffers } from './piece-buffers.ts';
import type { PieceFile } from './piece-file.ts';
import { createSlicePlan } from './slice-plan.ts';
import { createSource, isSlipway, type Source } from './source.ts';
import { checkDone, markVerified } from './torrent-internals.ts';

/** A piece is taken over from a slow source, at the end, by one that would need less than this part of its time. */
const takeOverBelow = 0.5;
/** Before this its speed is not known. */
const takeOverAfterMs = 1_000;
/** Speeds are averages of seconds: looking more often shows nothing new. */
const lookForSlowEveryMs = 100;
/** A machine that has announced nothing for this long, and for the time of two pieces at 1 MB/s, is helped out with its slice. */
const leastPatienceMs = 1_500;

/** One piece on its way from one source. Only one sends it, so a wrong piece has one culprit. */
interface Load {
  readonly piece: number;
  readonly lengthBytes: number;
  readonly source: Source;
  readonly bytes: Buffer;
  readonly beganAtMs: number;
  askedBytes: number;
  gotBytes: number;
  ended: boolean;
}

export interface PlannedDownload {
  /** A connection that has shaken hands, or a web seed. */
  addWire(wire: Wire): void;
  /** Begins; what lies on disk is known by now. */
  start(): void;
  /** Asks again for what nobody was asked for. Called once a second. */
  tick(): void;
  stop(): void;
}

export interface PlannedDownloadOptions {
  readonly torrent: Torrent;
  readonly metainfo: Metainfo;
  /** SHA-1 of every piece, one after another. */
  readonly pieceHashes: Uint8Array;
  readonly file: PieceFile;
  /** How this machine is called on the wire; hex. */
  readonly ownId: string;
  /** Sent a piece whose digest is wrong. */
  readonly onWrongPiece: (wire: Wire, piece: number) => void;
  /** The disk failed. */
  readonly onFailure: (error: Error) => void;
}

const hashBytes = 20;

export function createPlannedDownload(options: PlannedDownloadOptions): PlannedDownload {
  const { torrent, metainfo, file } = options;
  const { pieceCount, pieceLengthBytes, sizeBytes } = metainfo;
  const plan = createSlicePlan(pieceCount);
  const buffers: PieceBuffers = createPieceBuffers(pieceLengthBytes);
  const sources = new Map<Wire, Source>();
  const loads = new Map<number, Load[]>();
  /** What each source is being asked for, block by block. */
  const asking = new Map<Source, Load>();
  const missing = new Set<number>();
  /** How many incomplete machines announce a piece. */
  const holders = new Uint16Array(pieceCount);
  /** When each machine that shares the pack last announced a piece; this one is never waited for. */
  const lastHaveMs = new Map<string, number>();
  let lookedForSlowAtMs = Number.NEGATIVE_INFINITY;
  let running = false;
  let fillPlanned = false;

  const lengthOf = (piece: number): number => Math.min(pieceLengthBytes, sizeBytes - piece * pieceLengthBytes);

  const patienceMs = leastPatienceMs + pieceLengthBytes / 500;

  const share = (): void => {
    const peers = [...sources.values()].filter(source => !source.isFull() && isSlipway(source.wire));
    plan.share(
      options.ownId,
      peers.flatMap(({ wire }) => (wire.peerId === null ? [] : [wire.peerId])),
    );
  };

  const recount = (): void => {
    holders.fill(0);
    for (const source of sources.values()) {
      if (source.isFull()) continue;
      for (const piece of missing) if (source.wire.peerPieces.get(piece)) holders[piece] = (holders[piece] ?? 0) + 1;
    }
    share();
  };

  /**
   * Of a full source, whose line all machines share: the own slice; of other slices what their machine has stopped to fetch; and
   * what others have only when every piece has left it. Of an incomplete one: what the fewest have.
   */
  const choose = (source: Source): number | null => {
    const isFull = source.isFull();
    const patientUntilMs = performance.now() - patienceMs;
    let best: number | null = null;
    let bestCost = Number.POSITIVE_INFINITY;
    let allHeld = true;
    for (const piece of missing) {
      if (loads.has(piece)) continue;
      const held = holders[piece] ?? 0;
      if (held === 0) allHeld = false;
      if (!source.wire.peerPieces.get(piece)) continue;
      if (isFull && held === 0 && (lastHaveMs.get(plan.ownerOf(piece)) ?? Number.NEGATIVE_INFINITY) > patientUntilMs)
        continue;
      const cost = isFull ? plan.urgency(piece) + (held > 0 ? pieceCount * pieceCount : 0) : held + Math.random();
      if (cost >= bestCost) continue;
      best = piece;
      bestCost = cost;
    }
    const isSpared = isFull && best !== null && (holders[best] ?? 0) > 0 && !allHeld;
    return isSpared ? null : best;
  };

  const secondsLeft = (load: Load): number =>
    (load.lengthBytes - load.gotBytes) / Math.max(1, load.source.bytesPerSecond());

  /** At the end, when all is asked for: the piece of the slowest source, where this one would be done much sooner. */
  const takeOver = (source: Source): number | null => {
    const nowMs = performance.now();
    if (source.inFlightBytes > 0 || nowMs - lookedForSlowAtMs < lookForSlowEveryMs) return null;
    lookedForSlowAtMs = nowMs;
    const speed = source.bytesPerSecond();
    let best: number | null = null;
    let longest = 0;
    for (const [piece, [load, second]] of loads) {
      if (load === undefined || second !== undefined || load.source === source) continue;
      if (!missing.has(piece) || !source.wire.peerPieces.get(piece)) continue;
      if (nowMs - load.beganAtMs < takeOverAfterMs) continue;
      const left = secondsLeft(load);
      if (left <= longest || (speed > 0 && load.lengthBytes / speed > left * takeOverBelow)) continue;
      best = piece;
      longest = left;
    }
    return best;
  };

  const begin = (source: Source, piece: number): Load | null => {
    const bytes = buffers.take(lengthOf(piece));
    if (bytes === null) return null;
    const beganAtMs = performance.now();
    const load = {
      piece,
      lengthBytes: lengthOf(piece),
      source,
      bytes,
      beganAtMs,
      askedBytes: 0,
      gotBytes: 0,
      ended: false,
    };
    loads.set(piece, [...(loads.get(piece) ?? []), load]);
    asking.set(source, load);
    return load;
  };

  const endLoad = (load: Load): void => {
    load.ended = true;
    if (asking.get(load.source) === load) asking.delete(load.source);
    const others = (loads.get(load.piece) ?? []).filter(other => other !== load);
    if (others.length > 0) loads.set(load.piece, others);
    else loads.delete(load.piece);
  };

  const giveUp = (load: Load): void => {
    if (load.ended) return;
    endLoad(load);
    buffers.give(load.bytes);
    planFill();
  };

  const keep = async (load: Load): Promise<void> => {
    const { piece, bytes } = load;
    const rivals = (loads.get(piece) ?? []).filter(other => other !== load);
    missing.delete(piece);
    endLoad(load);
    for (const rival of rivals) {
      endLoad(rival);
      rival.source.cancel(piece);
      buffers.give(rival.bytes);
    }
    try {
      await file.write(piece, bytes);
      if ([...sources.values()].some(({ wire }) => !wire.peerPieces.get(piece))) file.remember(piece, bytes);
    } catch (error) {
      if (running) options.onFailure(error instanceof Error ? error : new Error(String(error)));
      return;
    } finally {
      buffers.give(bytes);
    }
    if (!running) return;
    markVerified(torrent, piece);
    for (const { wire } of sources.values()) if (!wire.destroyed && !wire.peerPieces.get(piece)) wire.have(piece);
    if (missing.size === 0) checkDone(torrent);
    planFill();
  };

  const finish = (load: Load): void => {
    const expected = options.pieceHashes.subarray(load.piece * hashBytes, (load.piece + 1) * hashBytes);
    if (hash('sha1', load.bytes, 'buffer').equals(expected)) {
      void keep(load);
      return;
    }
    giveUp(load);
    options.onWrongPiece(load.source.wire, load.piece);
  };

  const ask = (load: Load): void => {
    const { source, piece } = load;
    const offset = load.askedBytes;
    const length = Math.min(source.blockBytes(), load.lengthBytes - offset);
    load.askedBytes += length;
    if (load.askedBytes === load.lengthBytes) asking.delete(source);
    source.request(piece, offset, length, (error, block) => {
      if (!running || load.ended) return;
      if (error !== null || block.byteLength !== length) {
        giveUp(load);
        return;
      }
      load.bytes.set(block, offset);
      load.gotBytes += length;
      if (load.gotBytes === load.lengthBytes) finish(load);
      fill(source);
    });
  };

  const fill = (source: Source): void => {
    while (running && source.canAsk()) {
      const piece = asking.has(source) ? null : (choose(source) ?? takeOver(source));
      const load = asking.get(source) ?? (piece === null ? null : begin(source, piece));
      if (load === null) return;
      ask(load);
      // A connection that has just closed answers at once.
      if (load.ended) return;
    }
  };

  const fillAll = (): void => {
    // In another order each time, so that no source is always the first to choose.
    const all = [...sources.values()];
    const first = Math.floor(Math.random() * all.length);
    for (const source of [...all.slice(first), ...all.slice(0, first)]) fill(source);
  };

  const planFill = (): void => {
    if (fillPlanned || !running) return;
    fillPlanned = true;
    setImmediate(() => {
      fillPlanned = false;
      fillAll();
    });
  };

  const noticeLife = ({ peerId }: Wire): void => {
    if (peerId !== null) lastHaveMs.set(peerId, performance.now());
  };

  const changed = (): void => {
    recount();
    planFill();
  };

  return {
    addWire: wire => {
      const source = createSource(wire, pieceCount, pieceLengthBytes);
      sources.set(wire, source);
      noticeLife(wire);
      wire.on('have', piece => {
        noticeLife(wire);
        const filled = source.noticeHave();
        if (missing.has(piece)) holders[piece] = (holders[piece] ?? 0) + 1;
        if (filled) changed();
        else if (source.canAsk()) fill(source);
      });
      for (const event of ['bitfield', 'have-all', 'have-none'] as const) {
        wire.on(event, () => {
          source.noticeBitfield();
          changed();
        });
      }
      wire.lt_donthave.on('donthave', () => {
        source.noticeBitfield();
        changed();
      });
      wire.on('extended', name => {
        if (name === 'handshake') changed();
      });
      wire.on('unchoke', () => fill(source));
      wire.on('close', () => {
        sources.delete(wire);
        asking.delete(source);
        for (const load of [...loads.values()].flat()) if (load.source === source) giveUp(load);
        changed();
      });
    },
    start: () => {
      running = true;
      for (let piece = 0; piece < pieceCount; piece += 1) if (!torrent.bitfield.get(piece)) missing.add(piece);
      changed();
    },
    tick: () => planFill(),
    stop: () => {
      running = false;
      missing.clear();
      loads.clear();
      asking.clear();
      for (const { wire } of sources.values()) if (!wire.destroyed) wire.uninterested();
    },
  };
}
