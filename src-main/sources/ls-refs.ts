/** Owns the one request of protocol 2 that a poll needs, for servers that are known to speak it: half of what a discovery asks. */
import { Readable } from 'node:stream';
import { protocolError } from './git-errors.ts';
import type { GitHttpSession } from './git-http.ts';

const flush = '0000';
const delimiter = '0001';
const headsPrefix = 'refs/heads/';

/** Source: gitprotocol-common(5): the length in four hex digits, itself included. */
function packetLine(text: string): string {
  return `${(Buffer.byteLength(text) + 4).toString(16).padStart(4, '0')}${text}`;
}

/** The texts of an answer's packet lines, up to its flush. Throws what `malformed` makes. */
function linesOf(answer: Buffer, malformed: () => Error): string[] {
  const lines: string[] = [];
  for (let at = 0; ; ) {
    const digits = answer.toString('latin1', at, at + 4);
    if (digits === flush) return lines;
    const length = /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : 0;
    if (length < 5 || at + length > answer.length) throw malformed();
    lines.push(answer.toString('utf8', at + 4, at + length).replace(/\n$/, ''));
    at += length;
  }
}

export interface BranchAnswer {
  /** What HEAD names, as a whole ref; null where it is detached, not told, or names what is not there. */
  readonly head: string | null;
  /** By branch name. */
  readonly refs: Map<string, string>;
}

/**
 * Where the branches are whose names begin with `branch`, and what HEAD names, from a server that has answered in protocol 2 with SHA-1 before.
 * Source: gitprotocol-v2(5), ls-refs. Throws what the session throws, and `git.protocol`.
 */
export async function askBranch(session: GitHttpSession, url: string, branch: string): Promise<BranchAnswer> {
  const body = `${packetLine('command=ls-refs\n')}${delimiter}${packetLine('symrefs\n')}${packetLine('ref-prefix HEAD\n')}${packetLine(`ref-prefix ${headsPrefix}${branch}\n`)}${flush}`;
  const { body: answer = [] } = await session.client.request({
    url: `${url}/git-upload-pack`,
    method: 'POST',
    headers: {
      'content-type': 'application/x-git-upload-pack-request',
      accept: 'application/x-git-upload-pack-result',
      'git-protocol': 'version=2',
    },
    body: Readable.from([Buffer.from(body)])[Symbol.asyncIterator](),
  });
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  session.check();
  let head: string | null = null;
  const refs = new Map<string, string>();
  for (const line of linesOf(Buffer.concat(chunks), () => protocolError(url, 'its list of branches is cut off'))) {
    const [, revision, name, target] = /^([0-9a-f]{40}) (\S+)(?: symref-target:(\S+))?$/.exec(line) ?? [];
    if (revision === undefined || name === undefined) throw protocolError(url, 'its list of branches is malformed');
    if (name === 'HEAD') head = target ?? null;
    // Also what only begins with HEAD.
    else if (name.startsWith(headsPrefix)) refs.set(name.slice(headsPrefix.length), revision);
  }
  return { head, refs };
}
