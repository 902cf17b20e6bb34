/** Owns the bytes of the deterministic tar around each file's content. Every header is a function of its file-list entry. */
import type { FileEntry } from '../contract/documents.ts';

/** Source: POSIX.1-2017, pax, "ustar Interchange Format". */
export const tarBlockBytes = 512;
/** Two zero blocks end an archive. */
export const tarEndBytes = 2 * tarBlockBytes;
const nameFieldBytes = 100;
/** Eleven octal digits; above it the size moves to a pax record. */
const maximumOctalSize = 0o77777777777;

const printableAscii = /^[\u0020-\u007e]*$/;

/** What fills a file's content up to whole blocks, in bytes. */
export function tarPaddingBytes(sizeBytes: number): number {
  return (tarBlockBytes - (sizeBytes % tarBlockBytes)) % tarBlockBytes;
}

function octal(value: number, digits: number): string {
  return `${value.toString(8).padStart(digits, '0')}\0`;
}

/** What a reader without pax support sees instead of a long or non-ASCII name. */
function asciiName(name: string): string {
  return name.replaceAll(/[^\u0020-\u007e]/gu, '_').slice(0, nameFieldBytes);
}

interface HeaderFields {
  readonly name: string;
  readonly mode: number;
  readonly sizeBytes: number;
  readonly type: string;
  readonly linkName: string;
}

function ustarBlock(fields: HeaderFields): Buffer {
  const block = Buffer.alloc(tarBlockBytes);
  block.write(fields.name, 0, 'latin1');
  block.write(octal(fields.mode, 7), 100, 'latin1');
  block.write(octal(0, 7), 108, 'latin1');
  block.write(octal(0, 7), 116, 'latin1');
  block.write(octal(fields.sizeBytes > maximumOctalSize ? 0 : fields.sizeBytes, 11), 124, 'latin1');
  block.write(octal(0, 11), 136, 'latin1');
  block.write(' '.repeat(8), 148, 'latin1');
  block.write(fields.type, 156, 'latin1');
  block.write(fields.linkName, 157, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.write(octal(0, 7), 329, 'latin1');
  block.write(octal(0, 7), 337, 'latin1');
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${octal(sum, 6)} `, 148, 'latin1');
  return block;
}

/** One `LENGTH KEY=VALUE\n` record, whose length counts its own digits. */
function paxRecord(key: string, value: string): Buffer {
  const body = Buffer.from(` ${key}=${value}\n`, 'utf8');
  let length = body.length;
  while (String(length).length + body.length !== length) length = String(length).length + body.length;
  return Buffer.concat([Buffer.from(String(length)), body]);
}

function needsPax(name: string): boolean {
  return name.length > nameFieldBytes || !printableAscii.test(name);
}

/** What the header of an entry depends on; a file's digest is not in it, so it can be written before the file is read. */
export type TarEntry =
  | Pick<Extract<FileEntry, { kind: 'file' }>, 'kind' | 'path' | 'executable' | 'sizeBytes'>
  | Extract<FileEntry, { kind: 'link' | 'directory' }>;

function fieldsOf(entry: TarEntry): HeaderFields {
  switch (entry.kind) {
    case 'file':
      return {
        name: entry.path,
        mode: entry.executable ? 0o755 : 0o644,
        sizeBytes: entry.sizeBytes,
        type: '0',
        linkName: '',
      };
    case 'link':
      return { name: entry.path, mode: 0o777, sizeBytes: 0, type: '2', linkName: entry.target };
    case 'directory':
      return { name: `${entry.path}/`, mode: 0o755, sizeBytes: 0, type: '5', linkName: '' };
  }
}

/**
 * The header blocks of an entry: a ustar header with owner, group and time 0, and before it a pax header where the name or
 * link is longer than 100 bytes or not plain ASCII, or the size is 8 GiB and more.
 * Source: POSIX.1-2017, pax, "pax Interchange Format".
 */
export function tarHeader(entry: TarEntry): Uint8Array {
  const fields = fieldsOf(entry);
  const records: Buffer[] = [];
  if (needsPax(fields.name)) records.push(paxRecord('path', fields.name));
  if (needsPax(fields.linkName)) records.push(paxRecord('linkpath', fields.linkName));
  if (fields.sizeBytes > maximumOctalSize) records.push(paxRecord('size', String(fields.sizeBytes)));
  const block = ustarBlock({ ...fields, name: asciiName(fields.name), linkName: asciiName(fields.linkName) });
  if (records.length === 0) return block;
  const body = Buffer.concat(records);
  const pax = ustarBlock({ name: 'PaxHeaders/entry', mode: 0o644, sizeBytes: body.length, type: 'x', linkName: '' });
  return Buffer.concat([pax, body, Buffer.alloc(tarPaddingBytes(body.length)), block]);
}

/** The bytes of an entry in the tar: header, content, padding. */
export function tarEntryBytes(entry: TarEntry): number {
  const fields = fieldsOf(entry);
  const plain = !needsPax(fields.name) && !needsPax(fields.linkName) && fields.sizeBytes <= maximumOctalSize;
  const headerBytes = plain ? tarBlockBytes : tarHeader(entry).length;
  return headerBytes + fields.sizeBytes + tarPaddingBytes(fields.sizeBytes);
}

/** For a message only: what a ustar header says it holds, escaped; a hostile header says what it likes. */
export function describeTarHeader(block: Uint8Array): string {
  const name = Buffer.from(block.subarray(0, nameFieldBytes)).toString('latin1').split('\0', 1)[0] ?? '';
  return name === '' ? 'no entry' : JSON.stringify(name);
}
