/** Owns the hashes that are taken of a stream on the way. Each lane is one thread's work; knows nothing of where the bytes come from. */
import { createHash, type Hash } from 'node:crypto';

export interface LaneDigests {
  /** Of a file's content. */
  readonly content: { readonly sha256: string };
  /** What names a pack, and the SHA-1 of each torrent piece one after the other. Source: BEP 3. */
  readonly identity: { readonly sha256: string; readonly pieces: Uint8Array };
  /** In lowercase hex. */
  readonly md5: string;
}

export type LaneName = keyof LaneDigests;

export interface HashLane<Digest> {
  update(bytes: Uint8Array): void;
  /** Of what came since the last digest. */
  digest(): Digest;
}

class ContentLane implements HashLane<LaneDigests['content']> {
  #hash = createHash('sha256');

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  digest(): LaneDigests['content'] {
    const sha256 = this.#hash.digest('hex');
    this.#hash = createHash('sha256');
    return { sha256 };
  }
}

class IdentityLane implements HashLane<LaneDigests['identity']> {
  readonly #pieceLengthBytes: number;
  readonly #content = new ContentLane();
  #pieces: Buffer[] = [];
  #piece: Hash = createHash('sha1');
  #pieceBytes = 0;

  constructor(pieceLengthBytes: number) {
    this.#pieceLengthBytes = pieceLengthBytes;
  }

  update(bytes: Uint8Array): void {
    this.#content.update(bytes);
    for (let done = 0; done < bytes.length; ) {
      const part = bytes.subarray(done, done + this.#pieceLengthBytes - this.#pieceBytes);
      this.#piece.update(part);
      this.#pieceBytes += part.length;
      done += part.length;
      if (this.#pieceBytes === this.#pieceLengthBytes) this.#endPiece();
    }
  }

  #endPiece(): void {
    this.#pieces.push(this.#piece.digest());
    this.#piece = createHash('sha1');
    this.#pieceBytes = 0;
  }

  /** The last piece may be shorter. */
  digest(): LaneDigests['identity'] {
    if (this.#pieceBytes > 0) this.#endPiece();
    const pieces = new Uint8Array(Buffer.concat(this.#pieces));
    this.#pieces = [];
    return { ...this.#content.digest(), pieces };
  }
}

class Md5Lane implements HashLane<LaneDigests['md5']> {
  #md5 = createHash('md5');

  update(bytes: Uint8Array): void {
    this.#md5.update(bytes);
  }

  digest(): LaneDigests['md5'] {
    const digest = this.#md5.digest('hex');
    this.#md5 = createHash('md5');
    return digest;
  }
}

const makers: { readonly [Lane in LaneName]: (pieceLengthBytes: number) => HashLane<LaneDigests[Lane]> } = {
  content: () => new ContentLane(),
  identity: pieceLengthBytes => new IdentityLane(pieceLengthBytes),
  md5: () => new Md5Lane(),
};

/** `pieceLengthBytes` matters to `identity` alone. */
export function createLane<Lane extends LaneName>(lane: Lane, pieceLengthBytes: number): HashLane<LaneDigests[Lane]> {
  return makers[lane](pieceLengthBytes);
}
