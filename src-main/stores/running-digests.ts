/** Owns several digests of one stream at once: of all of it, and of the part that began at the last mark. */
import { createHash } from 'node:crypto';
import { crc32c, crc32cHex } from './crc32c.ts';

export type DigestName = 'sha256' | 'md5' | 'crc32c';

export interface DigestOrder {
  readonly whole: readonly DigestName[];
  readonly part: readonly DigestName[];
}

/** Lowercase hex; what was not ordered is left out. */
export type Digests = { readonly [Name in DigestName]?: string };

export interface DigestMark {
  /** Of all that came so far. */
  readonly whole: Digests;
  /** Of what came since the last mark. */
  readonly part: Digests;
}

interface Running {
  update(bytes: Uint8Array): void;
  soFar(): string;
}

function start(name: DigestName): Running {
  if (name === 'crc32c') {
    let crc = 0;
    return {
      update(bytes) {
        crc = crc32c(bytes, crc);
      },
      soFar: () => crc32cHex(crc),
    };
  }
  const hash = createHash(name);
  return { update: bytes => hash.update(bytes), soFar: () => hash.copy().digest('hex') };
}

const startAll = (names: readonly DigestName[]) => names.map(name => [name, start(name)] as const);
const tell = (running: ReturnType<typeof startAll>): Digests =>
  Object.fromEntries(running.map(([name, digest]) => [name, digest.soFar()]));

export class RunningDigests {
  readonly #whole: ReturnType<typeof startAll>;
  readonly #order: DigestOrder;
  #part: ReturnType<typeof startAll>;

  constructor(order: DigestOrder) {
    this.#order = order;
    this.#whole = startAll(order.whole);
    this.#part = startAll(order.part);
  }

  update(bytes: Uint8Array): void {
    for (const [, digest] of this.#whole) digest.update(bytes);
    for (const [, digest] of this.#part) digest.update(bytes);
  }

  mark(): DigestMark {
    const mark = { whole: tell(this.#whole), part: tell(this.#part) };
    this.#part = startAll(this.#order.part);
    return mark;
  }
}
