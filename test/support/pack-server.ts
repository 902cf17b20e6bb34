/**
 * Owns a server that speaks Git's protocol 0 and sends packs as it is told, which no honest git would make.
 * Source: gitformat-pack(5), gitprotocol-pack(5), gitprotocol-http(5).
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { deflateSync } from 'node:zlib';
import { onTestFinished } from 'vitest';

export type ObjectKind = 'commit' | 'tree' | 'blob';

export interface GitObject {
  readonly kind: ObjectKind;
  readonly id: string;
  readonly body: Buffer;
}

export function object(kind: ObjectKind, content: string | Buffer): GitObject {
  const body = Buffer.from(content);
  const id = createHash('sha1').update(`${kind} ${body.length}\0`).update(body).digest('hex');
  return { kind, id, body };
}

export interface TreeLine {
  /** As git writes it: `100644`, `40000`, `120000`, `160000`. */
  readonly mode: string;
  readonly name: string;
  readonly id: string;
}

/** In the order that is given, whatever git would say to it. */
export function tree(...lines: readonly TreeLine[]): GitObject {
  const entries = lines.map(({ mode, name, id }) =>
    Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')]),
  );
  return object('tree', Buffer.concat(entries));
}

const person = 'Ada <ada@example.test> 1700000000 +0000';

export function commit(root: string, message: string): GitObject {
  return object('commit', `tree ${root}\nauthor ${person}\ncommitter ${person}\n\n${message}\n`);
}

const kindNumbers: Readonly<Record<ObjectKind, number>> = { commit: 1, tree: 2, blob: 3 };

/** The kind and the size of an object, four bits of it and then seven at a time. */
export function packEntry(kind: number, sizeBytes: number, data: Buffer): Buffer {
  const header: number[] = [];
  let rest = Math.floor(sizeBytes / 16);
  let byte = (kind << 4) | (sizeBytes % 16);
  while (rest > 0) {
    header.push(byte | 0x80);
    byte = rest % 128;
    rest = Math.floor(rest / 128);
  }
  header.push(byte);
  return Buffer.concat([Buffer.from(header), data]);
}

export const entryOf = ({ kind, body }: GitObject) => packEntry(kindNumbers[kind], body.length, deflateSync(body));

/** A pack of these entries that says it has `count` of them, with its own checksum. */
export function packOf(entries: readonly Buffer[], count = entries.length): Buffer {
  const head = Buffer.alloc(12);
  head.write('PACK');
  head.writeUInt32BE(2, 4);
  head.writeUInt32BE(count, 8);
  const body = Buffer.concat([head, ...entries]);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}

const line = (text: string) => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`;

/** In the first of three bands, as servers send since 2005. */
function* inBand(pack: Buffer): Generator<Buffer> {
  for (let at = 0; at < pack.length; at += 60_000) {
    const part = pack.subarray(at, at + 60_000);
    yield Buffer.from(`${(part.length + 5).toString(16).padStart(4, '0')}\x01`);
    yield part;
  }
}

export interface PackServer {
  readonly url: string;
  /** What is at `refs/heads/main` from now on, and the pack that everyone gets who asks for it. */
  send(head: string, pack: Buffer): void;
  /** How many packs were asked for. */
  readonly asked: () => number;
}

/** Ends with the test. */
export async function startPackServer(): Promise<PackServer> {
  let head = '0'.repeat(40);
  let pack = packOf([]);
  let asked = 0;
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      if (request.method === 'GET') {
        response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' });
        const refs = `${line(`${head} HEAD\0symref=HEAD:refs/heads/main allow-any-sha1-in-want side-band-64k ofs-delta\n`)}${line(`${head} refs/heads/main\n`)}0000`;
        response.end(`${line('# service=git-upload-pack\n')}0000${refs}`);
      } else {
        asked += 1;
        response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' });
        response.end(Buffer.concat([Buffer.from(line('NAK\n')), ...inBand(pack), Buffer.from('0000')]));
      }
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/app.git`,
    asked: () => asked,
    send(nextHead, nextPack) {
      head = nextHead;
      pack = nextPack;
    },
  };
}
