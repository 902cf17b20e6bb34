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

/** Digit by digit: making texts of it was a tenth of the processor's work on trees of tiny files. The NUL after it is there already. */
function writeOctal(block: Buffer, value: number, digits: number, at: number): void {
  for (let rest = value, index = at + digits - 1; index >= at; index -= 1) {
    block[index] = 0x30 + (rest % 8);
    rest = Math.floor(rest / 8);
  }
}

/** What a reader without pax support sees instead of a long or non-ASCII name. */
function asciiName(name: string): string {
  if (!needsPax(name)) return name;
  return name.replaceAll(/[^\u0020-\u007e]/gu, '_').slice(0, nameFieldBytes);
}

interface HeaderFields {
  readonly name: string;
  readonly mode: number;
  readonly sizeBytes: number;
  readonly type: string;
  readonly linkName: string;
}

/** What all headers have in common: owner, group, time and device 0, and eight spaces in place of the checksum, as it is counted. */
const emptyBlock = Buffer.alloc(tarBlockBytes);
for (const at of [108, 116, 329, 337]) writeOctal(emptyBlock, 0, 7, at);
writeOctal(emptyBlock, 0, 11, 136);
emptyBlock.fill(' ', 148, 156);
emptyBlock.write('ustar\x0000', 257, 'latin1');

function ustarBlock({ name, mode, sizeBytes, type, linkName }: HeaderFields): Buffer {
  const block = Buffer.from(emptyBlock);
  block.write(name, 0, 'latin1');
  writeOctal(block, mode, 7, 100);
  writeOctal(block, sizeBytes > maximumOctalSize ? 0 : sizeBytes, 11, 124);
  block.write(type, 156, 'latin1');
  block.write(linkName, 157, 'latin1');
  let sum = 0;
  for (let index = 0; index < tarBlockBytes; index += 1) sum += block[index] ?? 0;
  writeOctal(block, sum, 6, 148);
  block[154] = 0;
  return block;
}

/** What a record with so many bytes after its length has in all: the length counts its own digits. */
function paxRecordBytes(bodyBytes: number): number {
  let length = bodyBytes;
  while (String(length).length + bodyBytes !== length) length = String(length).length + bodyBytes;
  return length;
}

const paxBody = (key: string, value: string) => ` ${key}=${value}\n`;

/** The `LENGTH KEY=VALUE\n` records that the entry needs, as bodies without their length. */
function paxBodies({ name, linkName, sizeBytes }: HeaderFields): string[] {
  const bodies: string[] = [];
  if (needsPax(name)) bodies.push(paxBody('path', name));
  if (needsPax(linkName)) bodies.push(paxBody('linkpath', linkName));
  if (sizeBytes > maximumOctalSize) bodies.push(paxBody('size', String(sizeBytes)));
  return bodies;
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
  const bodies = paxBodies(fields);
  const block = ustarBlock({ ...fields, name: asciiName(fields.name), linkName: asciiName(fields.linkName) });
  if (bodies.length === 0) return block;
  const records = Buffer.from(bodies.map(body => `${paxRecordBytes(Buffer.byteLength(body))}${body}`).join(''), 'utf8');
  const pax = ustarBlock({ name: 'PaxHeaders/entry', mode: 0o644, sizeBytes: records.length, type: 'x', linkName: '' });
  return Buffer.concat([pax, records, Buffer.alloc(tarPaddingBytes(records.length)), block]);
}

/** The length of `tarHeader`, without making it. */
function tarHeaderBytes(fields: HeaderFields): number {
  const bodies = paxBodies(fields);
  if (bodies.length === 0) return tarBlockBytes;
  const bytes = bodies.reduce((total, body) => total + paxRecordBytes(Buffer.byteLength(body)), 0);
  return tarBlockBytes + bytes + tarPaddingBytes(bytes) + tarBlockBytes;
}

/** The bytes of an entry in the tar: header, content, padding. */
export function tarEntryBytes(entry: TarEntry): number {
  const fields = fieldsOf(entry);
  return tarHeaderBytes(fields) + fields.sizeBytes + tarPaddingBytes(fields.sizeBytes);
}

/** For a message only: what a ustar header says it holds, escaped; a hostile header says what it likes. */
export function describeTarHeader(block: Uint8Array): string {
  const name = Buffer.from(block.subarray(0, nameFieldBytes)).toString('latin1').split('\0', 1)[0] ?? '';
  return name === '' ? 'no entry' : JSON.stringify(name);
}
