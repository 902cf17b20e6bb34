/** Tests that what a server lies about in its packs is refused, as often as it is fetched, and harms neither mirror nor disk. */
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { DomainError } from '../../../src-main/contract/errors.ts';
import { findGit } from '../../../src-main/sources/git-cli.ts';
import { createMirror } from '../../../src-main/sources/mirror.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import {
  commit,
  entryOf,
  type GitObject,
  object,
  packEntry,
  packOf,
  startPackServer,
  type TreeLine,
  tree,
} from '../../support/pack-server.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const gitPath = await findGit();
const blob = object('blob', 'content\n');
const file = (name: string, id = blob.id): TreeLine => ({ mode: '100644', name, id });
const folder = (name: string, id: string): TreeLine => ({ mode: '40000', name, id });
const inner = tree(file('escaped'));

interface Sent {
  readonly head: string;
  readonly pack: Buffer;
}

/** A commit of this root, with all that it takes. */
function send(root: GitObject, ...more: readonly GitObject[]): Sent {
  const head = commit(root.id, 'commit');
  return { head: head.id, pack: packOf([blob, inner, ...more, root, head].map(entryOf)) };
}

const good = (name: string) => send(tree(file(name)));

/** The last byte of a pack is of its checksum, and one in the middle of an object. */
function spoil(pack: Buffer, at: number): Buffer {
  const copy = Buffer.from(pack);
  copy.writeUInt8((copy.at(at) ?? 0) ^ 0xff, at < 0 ? copy.length + at : at);
  return copy;
}

const named = (name: string): [string, Sent] => [`a file named ${JSON.stringify(name)}`, send(tree(file(name)))];
const commitOf = (text: string): Sent => {
  const root = tree(file('a'));
  const head = object('commit', text.replace('TREE', root.id));
  return { head: head.id, pack: packOf([blob, root, head].map(entryOf)) };
};
const gitmodules = (text: string): Sent => {
  const modules = object('blob', text);
  return send(tree(file('.gitmodules', modules.id), { mode: '160000', name: 'lib', id: blob.id }), modules);
};
const who = 'Ada <ada@example.test> 1700000000 +0000';

/** What must never be on the disk, nor be looked at by a program that trusts it. */
const malformed: readonly [string, Sent][] = [
  ...[
    '.',
    '..',
    '.git',
    '.GIT',
    '.Git',
    'git~1',
    '.g\u200cit',
    '.git ',
    '.git.',
    '.git::$INDEX_ALLOCATION',
    'a/b',
    '../x',
  ].map(named),
  ['a folder named ".git"', send(tree(folder('.git', inner.id)))],
  ['a folder named ".."', send(tree(folder('..', inner.id)))],
  ['a link named ".git"', send(tree({ mode: '120000', name: '.git', id: blob.id }))],
  ['a submodule named ".git"', send(tree({ mode: '160000', name: '.git', id: blob.id }))],
  ['a name twice', send(tree(file('a'), file('a')))],
  ['a link and a folder of one name', send(tree({ mode: '120000', name: 'a', id: blob.id }, folder('a', inner.id)))],
  ['a file and a folder of one name, apart', send(tree(file('a'), file('a.c'), folder('a', inner.id)))],
  ['a name that is empty', send(tree(file('')))],
  ['a tree that is cut off', send(object('tree', '100644 a\0short'))],
  ['a tree that is none', send(object('tree', 'no tree at all'))],
  ['a tree whose object is a blob', send(tree(folder('a', blob.id)))],
  ['a file whose object is missing', send(tree(file('a', 'c'.repeat(40))))],
  ['a file whose object is the null id', send(tree(file('a', '0'.repeat(40))))],
  ['a commit without a tree', commitOf(`author ${who}\ncommitter ${who}\n\nx\n`)],
  ['a commit whose tree is a blob', commitOf(`tree ${blob.id}\nauthor ${who}\ncommitter ${who}\n\nx\n`)],
];

/** What harms nobody who writes plain files and reads no submodules; git refuses it, which is why it is there to do so. */
const unsound: readonly [string, Sent][] = [
  ['a commit without an author', commitOf(`tree TREE\ncommitter ${who}\n\nx\n`)],
  ['a commit with two authors', commitOf(`tree TREE\nauthor ${who}\nauthor ${who}\ncommitter ${who}\n\nx\n`)],
  ['a commit whose date is none', commitOf(`tree TREE\nauthor Ada <a@b> soon\ncommitter ${who}\n\nx\n`)],
  [
    'a commit whose date does not fit',
    commitOf(`tree TREE\nauthor Ada <a@b> 18446744073709551617 +0000\ncommitter ${who}\n\nx\n`),
  ],
  [
    'a commit whose parent is missing',
    commitOf(`tree TREE\nparent ${'d'.repeat(40)}\nauthor ${who}\ncommitter ${who}\n\nx\n`),
  ],
  ['a .gitmodules whose name climbs', gitmodules('[submodule "../../x"]\n\tpath = lib\n\turl = https://host/x\n')],
  ['a .gitmodules whose URL is an option', gitmodules('[submodule "x"]\n\tpath = lib\n\turl = --upload-pack=x\n')],
  ['a .gitmodules whose path is an option', gitmodules('[submodule "x"]\n\tpath = -lib\n\turl = https://host/x\n')],
  [
    'a .gitmodules that runs a command',
    gitmodules('[submodule "x"]\n\tpath = lib\n\tupdate = !id\n\turl = https://host/x\n'),
  ],
  ['a .gitmodules that is a link', send(tree({ mode: '120000', name: '.gitmodules', id: blob.id }))],
];

/** Of eight bytes the first, copied. */
const delta = deflateSync(Buffer.from([8, 8, 0x90, 8]));
const honest = good('honest');
/** A pack that is no pack, or not the one that it says it is. */
const broken: readonly [string, Sent][] = [
  ['with another checksum', { ...honest, pack: spoil(honest.pack, -1) }],
  ['with a byte that was changed', { ...honest, pack: spoil(honest.pack, 20) }],
  ['that is cut off', { ...honest, pack: honest.pack.subarray(0, -30) }],
  ['that is empty', { ...honest, pack: Buffer.alloc(0) }],
  ['that is a page', { ...honest, pack: Buffer.from('<html>hello</html>') }],
  ['that says it has more than it has', { ...honest, pack: packOf([entryOf(blob)], 4_000_000_000) }],
  ['without what was asked for', { ...honest, pack: packOf([entryOf(blob)]) }],
  ['of another version', { ...honest, pack: withVersion(honest.pack, 9) }],
  [
    'whose object says it is larger than it is',
    { ...honest, pack: packOf([packEntry(3, 2 ** 40, deflateSync(blob.body))]) },
  ],
  [
    'whose object is larger than it says',
    { ...honest, pack: packOf([packEntry(3, 1, deflateSync(Buffer.alloc(1 << 20)))]) },
  ],
  ['whose object is of no kind', { ...honest, pack: packOf([packEntry(5, 3, deflateSync(Buffer.from('abc')))]) }],
  ['whose delta has no base', { ...honest, pack: packOf([deltaOn('e'.repeat(40))]) }],
  [
    'whose delta leads out of the pack',
    { ...honest, pack: packOf([packEntry(6, 4, Buffer.concat([Buffer.from([0xff, 0x7f]), delta]))]) },
  ],
];

/** A delta that copies eight bytes of its base. Source: gitformat-pack(5), deltified representation. */
function deltaOn(base: string): Buffer {
  return packEntry(7, 4, Buffer.concat([Buffer.from(base, 'hex'), delta]));
}

function withVersion(pack: Buffer, version: number): Buffer {
  const body = Buffer.from(pack.subarray(0, -20));
  body.writeUInt32BE(version, 4);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}

describe.each([
  ['the git program', gitPath],
  ['isomorphic-git', null],
] as const)('a mirror through %s', (_, path) => {
  /** With a good revision in the mirror, as most of them are when something bad comes. */
  async function setUp() {
    const root = await scratchFolder();
    const server = await startPackServer();
    const mirror = createMirror({
      folder: join(root, 'mirror.git'),
      url: server.url,
      gitPath: path,
      logger: silentLogger,
    });
    let trees = 0;
    const checkOut = async (revision: string) => {
      trees += 1;
      const targetFolder = join(root, `tree-${trees}`);
      await mirror.checkout({ revision, targetFolder });
      return readdir(targetFolder, { recursive: true });
    };
    const before = good('before');
    server.send(before.head, before.pack);
    await mirror.fetch({ branch: 'main' });
    const made = (await stat(join(root, 'mirror.git'))).ino;
    return { root, server, mirror, checkOut, before, made };
  }

  /** As the poller and the worker take it: fetched, read, written. */
  async function take({ mirror, checkOut }: Awaited<ReturnType<typeof setUp>>, { head }: Sent): Promise<unknown> {
    const pinRef = `refs/slipway/${head}`;
    return mirror
      .fetch({ branch: 'main', revision: head, pinRef })
      .then(
        () => checkOut(head),
        error => error,
      )
      .catch(error => error);
  }

  async function assertRefused(sent: Sent): Promise<void> {
    const setting = await setUp();
    const { server, mirror, checkOut, before, root, made } = setting;
    server.send(sent.head, sent.pack);
    // Again and again, as a poller does: nothing of it may have stayed that makes the next one pass.
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const refusal = await take(setting, sent);
      expect(refusal, `attempt ${attempt}`).toBeInstanceOf(DomainError);
      expect(refusal).toMatchObject({
        code: expect.stringMatching(/^(git\.protocol|git\.revision_missing|git\.unreachable|artifact\.unsafe_path)$/),
        message: expect.stringMatching(/\. (Check|Remove|Nothing|It was) [^\n]+\.$/),
      });
    }
    const known = /^(mirror\.git|tree-\d+)$/;
    expect((await readdir(root)).filter(name => !known.test(name))).toEqual([]);
    // What was there is there, and what comes next is taken. Without the program, a mirror that is made anew has what the server has.
    if (path !== null) {
      expect((await stat(join(root, 'mirror.git'))).ino).toBe(made);
      const left = await readdir(join(root, 'mirror.git/objects/pack'));
      expect(left.filter(name => name.startsWith('tmp_'))).toEqual([]);
      expect(await checkOut(before.head)).toEqual(['before']);
    }
    const after = good('after');
    server.send(after.head, after.pack);
    await mirror.fetch({ branch: 'main', revision: after.head });
    expect(await checkOut(after.head)).toEqual(['after']);
  }

  test.each(broken)('refuses a pack %s', async (_name, sent) => assertRefused(sent));

  const refused = path === null ? malformed : [...malformed, ...unsound];
  test.each(refused)('refuses %s', async (_name, sent) => assertRefused(sent));
});

test('what Git refuses is named by its object and its fault', async () => {
  const server = await startPackServer();
  const folder = join(await scratchFolder(), 'mirror.git');
  const mirror = createMirror({ folder, url: server.url, gitPath, logger: silentLogger });
  const root = tree(file('.git'));
  const sent = send(root);
  server.send(sent.head, sent.pack);
  await expect(mirror.fetch({ branch: 'main' })).rejects.toMatchObject({
    code: 'git.protocol',
    message: expect.stringMatching(new RegExp(`object ${root.id}: hasDotgit: .*git fsck`)),
  });
  expect(await readdir(join(folder, 'objects/pack'))).toEqual([]);
});
