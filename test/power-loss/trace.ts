/** Owns what strace wrote down: the calls of a recorded program that change a disk, in their order, and what it acknowledged. */
import { readFileSync } from 'node:fs';

/** Calls by path below the recorded folder; `.` is the folder itself. */
export type DiskCall =
  | { readonly kind: 'create'; readonly path: string }
  | { readonly kind: 'write'; readonly path: string; readonly offset: number | null; readonly bytes: Buffer }
  | { readonly kind: 'resize'; readonly path: string; readonly sizeBytes: number }
  | { readonly kind: 'sync'; readonly path: string }
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'link' | 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'unlink'; readonly path: string }
  /** The client holds this acknowledgement from here on. */
  | { readonly kind: 'acknowledged'; readonly text: string };

/** Every call by which the recorded programs change a disk. One that is missing here would show as a loss that is none. */
const tracedCalls = [
  ...['openat', 'pwrite64', 'write', 'ftruncate', 'fsync', 'fdatasync', 'mkdir', 'rename', 'link', 'unlink'],
  ...['pwritev', 'writev', 'truncate', 'fallocate', 'mkdirat', 'renameat', 'renameat2', 'linkat', 'unlinkat'],
];
/** Of those, what the parser knows. */
const known = new Set(tracedCalls.slice(0, 10));

/** The arguments of strace that write such a recording to `file`: all strings whole and in hexadecimal, descriptors with paths. */
export function straceArguments(file: string): string[] {
  return ['-f', '-qq', '-y', '-xx', '-s', '10000000', '-e', `trace=${tracedCalls}`, '-e', 'signal=none', '-o', file];
}

const bytesOf = (hex: string) => Buffer.from(hex.replaceAll('\\x', ''), 'hex');
const strings = /"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/g;
const descriptor = /^\d+<((?:\\x[0-9a-f]{2})*)>/;

/** The calls on what lies below `folder`; what was written to `acknowledgements` are the client's acknowledgements. */
export function readTrace(file: string, folder: string, acknowledgements: string): DiskCall[] {
  const unfinished = new Map<string, string>();
  const calls: DiskCall[] = [];
  for (const line of readFileSync(file, 'latin1').split('\n')) {
    const [, pid = '', body = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    if (body.endsWith('<unfinished ...>')) {
      unfinished.set(pid, body.slice(0, -'<unfinished ...>'.length));
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>/.exec(body);
    const whole = resumed ? (unfinished.get(pid) ?? '') + body.slice(resumed[0].length) : body;
    const parsed = parseCall(whole, folder, acknowledgements);
    if (parsed) calls.push(...parsed);
  }
  return calls;
}

function parseCall(text: string, folder: string, acknowledgements: string): DiskCall[] | null {
  const [, name = '', rest = '', result = ''] = /^(\w+)\((.*)\)\s+= (-?\d+)/.exec(text) ?? [];
  if (name === '' || result.startsWith('-')) return null;
  const inside = (path: string) =>
    path === folder ? '.' : path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : null;
  const texts = [...rest.matchAll(strings)].map(([, hex = '', cut]) => {
    if (cut) throw new Error(`strace cut a string of ${name}`);
    return bytesOf(hex);
  });
  const opened = bytesOf(descriptor.exec(rest)?.[1] ?? '').toString();
  const [first, second] = texts.map(bytes => inside(bytes.toString()));
  const path = inside(opened);
  const numbers = rest.replace(descriptor, '').replace(strings, '').match(/-?\d+/g)?.map(Number) ?? [];
  if (name === 'write' && opened === acknowledgements) {
    return [{ kind: 'acknowledged', text: texts[0]?.toString().trim() ?? '' }];
  }
  if (path === null && first == null) return null;
  if (!known.has(name)) throw new Error(`the recorded program called ${name}, which is not replayed`);
  return callsOf(name, { path, first: first ?? null, second: second ?? null, bytes: texts[0], numbers, rest });
}

function callsOf(
  name: string,
  call: {
    readonly path: string | null;
    readonly first: string | null;
    readonly second: string | null;
    readonly bytes: Buffer | undefined;
    readonly numbers: readonly number[];
    readonly rest: string;
  },
): DiskCall[] | null {
  const { path, first, second, bytes, numbers, rest } = call;
  if (path !== null) {
    switch (name) {
      case 'pwrite64':
        return [{ kind: 'write', path, offset: numbers.at(-1) ?? 0, bytes: bytes ?? Buffer.alloc(0) }];
      case 'write':
        return [{ kind: 'write', path, offset: null, bytes: bytes ?? Buffer.alloc(0) }];
      case 'ftruncate':
        return [{ kind: 'resize', path, sizeBytes: numbers.at(-1) ?? 0 }];
      case 'fsync':
      case 'fdatasync':
        return [{ kind: 'sync', path }];
    }
  }
  if (first === null) return null;
  switch (name) {
    case 'openat': {
      if (!rest.includes('O_CREAT')) return null;
      const empty: DiskCall[] = rest.includes('O_TRUNC') ? [{ kind: 'resize', path: first, sizeBytes: 0 }] : [];
      return [{ kind: 'create', path: first }, ...empty];
    }
    case 'mkdir':
      return [{ kind: 'folder', path: first }];
    case 'unlink':
      return [{ kind: 'unlink', path: first }];
    case 'rename':
    case 'link':
      return second === null ? null : [{ kind: name, from: first, to: second }];
    default:
      return null;
  }
}
