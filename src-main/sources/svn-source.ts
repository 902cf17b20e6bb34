/** Owns a Subversion repository as a source: its branches by path, its revisions, and checkouts by export. Keeps no copy on this machine. */
import { lstat, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DomainError } from '../contract/errors.ts';
import { cancelled } from './git-errors.ts';
import type { RemoteRefs } from './list-refs.ts';
import type { Mirror } from './mirror.ts';
import { anonymous, mayCarryLogin, type RemoteAccess } from './remote-access.ts';
import { attributeOf, below, elements, textOf } from './svn-answers.ts';
import { findSvn, runSvn, type SvnVerb } from './svn-cli.ts';
import { svnBranchMissing, svnErrorOf, svnNeeded } from './svn-errors.ts';
import { parseExternals } from './svn-externals.ts';
import { branchUrl, parseSvnUrl, target, wholeAddress } from './svn-url.ts';
import { assertSafeName } from './write-tree.ts';

const exportTimeoutMs = 60 * 60 * 1000;
const askTimeoutMs = 5 * 60 * 1000;
/** About 100,000 changed paths. */
const maxAnswerBytes = 32 * 1024 * 1024;
const maxExternalDepth = 5;

interface Asking {
  readonly url: string;
  readonly access: RemoteAccess;
  readonly signal?: AbortSignal | undefined;
}

/** `url` is whom the answer is about, and `about` what is asked for. Throws as `svnErrorOf` says. */
async function ask(
  { url, access, signal }: Asking,
  verb: SvnVerb,
  options: readonly string[],
  operands: readonly string[],
  timeoutMs = askTimeoutMs,
): Promise<string> {
  const svnPath = await findSvn();
  if (svnPath === null) throw svnNeeded(url);
  const result = await runSvn(svnPath, {
    verb,
    options,
    operands,
    login: mayCarryLogin(url) ? await access.loginFor(url) : null,
    timeoutMs,
    maxOutputBytes: maxAnswerBytes,
    ...(signal === undefined ? {} : { signal }),
  });
  if (result.outcome !== 'exited' || result.exitCode !== 0) throw svnErrorOf(url, result, timeoutMs);
  return result.stdout.toString('utf8');
}

interface Info {
  /** When this path was changed last: `r12`. */
  readonly revision: string;
  readonly root: string;
}

async function infoOf(asking: Asking, address: string, timeoutMs: number): Promise<Info> {
  const xml = await ask(asking, 'info', ['--xml'], [target(address, 'HEAD')], timeoutMs);
  const revision = attributeOf(elements(xml, 'commit')[0]?.attributes ?? '', 'revision');
  const root = textOf(xml, 'root');
  if (revision === null || !/^\d+$/.test(revision) || root === null) {
    throw new DomainError(
      'git.protocol',
      `The Subversion server of ${asking.url} does not say which revision it has.`,
      { url: asking.url },
    );
  }
  return { revision: `r${revision}`, root };
}

/**
 * The branches of a repository: `trunk` and what lies in `branches`; of an address without a trunk the address itself, as `HEAD`. With
 * `branch` only that one, by one request; empty where it is missing. May be repeated.
 *
 * Throws `git.url_invalid`, `git.not_found`, `git.auth_failed`, `git.unreachable`, `git.timeout`, `git.protocol`, `git.empty`, `toolchain.missing`, `job.cancelled`.
 */
export async function listSvn(options: {
  readonly url: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly branch?: string;
  readonly access?: RemoteAccess;
}): Promise<RemoteRefs> {
  const { url } = parseSvnUrl(options.url);
  const asking = { url, access: options.access ?? anonymous, signal: options.signal };
  const at = async (name: string) => ({
    name,
    revision: (await infoOf(asking, branchUrl(url, name), options.timeoutMs)).revision,
  });
  if (options.branch !== undefined) {
    const found = await at(options.branch).catch(async error => {
      if (!(error instanceof DomainError && error.code === 'git.not_found') || options.branch === wholeAddress)
        throw error;
      // The branch is gone, or all of the repository.
      await infoOf(asking, url, options.timeoutMs);
      return null;
    });
    return {
      defaultBranch: null,
      branches: found === null ? [] : [found].filter(({ revision }) => revision !== 'r0'),
      limit: null,
    };
  }
  const foldersOf = async (address: string) => {
    const xml = await ask(asking, 'list', ['--xml'], [target(address, 'HEAD')], options.timeoutMs);
    return elements(xml, 'entry')
      .filter(({ attributes }) => attributeOf(attributes, 'kind') === 'dir')
      .map(({ inner }) => ({
        name: textOf(inner, 'name') ?? '',
        revision: `r${attributeOf(elements(inner, 'commit')[0]?.attributes ?? '', 'revision')}`,
      }));
  };
  const top = await foldersOf(url);
  const trunk = top.find(({ name }) => name === 'trunk');
  if (trunk === undefined) {
    const whole = await at(wholeAddress);
    if (whole.revision === 'r0') {
      throw new DomainError('git.empty', `The Subversion repository ${url} has no revision yet. Commit a first one.`, {
        url,
      });
    }
    return { defaultBranch: wholeAddress, branches: [whole], limit: null };
  }
  const others = top.some(({ name }) => name === 'branches') ? await foldersOf(`${url}/branches`) : [];
  const branches = [trunk, ...others.map(({ name, revision }) => ({ name: `branches/${name}`, revision }))];
  return { defaultBranch: 'trunk', branches, limit: null };
}

/** Of a repository on this machine: what tells without a program whether it has a new revision; null where that is not known. */
export async function svnSignature(url: string): Promise<string | null> {
  if (!url.startsWith('file:')) return null;
  for (let folder = fileURLToPath(url); ; folder = dirname(folder)) {
    // Written anew with every revision. Source: Subversion's libsvn_fs_fs/structure, "current".
    const current = await stat(join(folder, 'db/current'), { bigint: true }).catch(() => null);
    if (current !== null) return `${current.ino}.${current.mtimeNs}.${current.size}`;
    if (dirname(folder) === folder) return null;
  }
}

/** Reads a branch of a Subversion repository as a mirror reads Git's. Its errors are those of `Mirror`, and `toolchain.missing`. */
export function createSvnSource(options: {
  readonly url: string;
  readonly branch: string;
  /** Whether what the tree's `svn:externals` name is fetched as well; else a tree that has such is refused. */
  readonly externals: boolean;
  readonly access?: RemoteAccess;
}): Mirror {
  const { url } = parseSvnUrl(options.url);
  const address = branchUrl(url, options.branch);
  const asking: Asking = { url, access: options.access ?? anonymous };
  const numberOf = (revision: string) => Number(target('', revision).slice(1));

  async function put(
    from: string,
    peg: string,
    folder: string,
    signal: AbortSignal | undefined,
    depth: number,
  ): Promise<void> {
    const who = { ...asking, url: parseSvnUrl(from).url, signal };
    const found = await ask(who, 'propget', ['--recursive', '--xml', 'svn:externals'], [target(from, peg)]);
    const holders = elements(found, 'target');
    if (holders.length > 0 && !options.externals)
      throw externalsRefused(
        from,
        holders.map(({ attributes }) => attributeOf(attributes, 'path') ?? ''),
      );
    await ask(
      who,
      'export',
      ['--quiet', '--force', '--ignore-externals'],
      [target(from, peg), `${folder}@`],
      exportTimeoutMs,
    );
    await assertSafeTree(folder);
    if (holders.length === 0) return;
    if (depth === maxExternalDepth) throw externalsRefused(from, [`more than ${maxExternalDepth} deep`]);
    const { root } = await infoOf(who, from, askTimeoutMs);
    for (const { attributes, inner } of holders) {
      const folderUrl = attributeOf(attributes, 'path') ?? '';
      const way = below(from, folderUrl);
      if (way === null) throw externalsRefused(from, [folderUrl]);
      for (const external of parseExternals(textOf(inner, 'property') ?? '', { folder: way, folderUrl, root })) {
        const place = join(folder, external.path);
        // Never through a link, and never over what the tree itself has.
        await makeRealFolders(folder, external.path);
        await put(external.url, external.peg, place, signal, depth + 1);
      }
    }
  }

  return {
    async fetch({ revision, signal }) {
      if (signal?.aborted) throw cancelled(url);
      if (revision !== undefined) {
        numberOf(revision);
        return { revision };
      }
      try {
        return { revision: (await infoOf({ ...asking, signal }, address, askTimeoutMs)).revision };
      } catch (error) {
        if (error instanceof DomainError && error.code === 'git.not_found') throw svnBranchMissing(url, options.branch);
        throw error;
      }
    },
    async readCommit(revision) {
      const xml = await ask(asking, 'log', ['--xml', `--revision=${numberOf(revision)}`], [target(address, revision)]);
      const entry = elements(xml, 'logentry')[0]?.inner ?? '';
      const atMs = Date.parse(textOf(entry, 'date') ?? '') || 0;
      return {
        subject: (textOf(entry, 'msg') ?? '').split('\n')[0]?.slice(0, 500) ?? '',
        authorName: (textOf(entry, 'author') ?? '').slice(0, 200),
        authoredAtMs: atMs,
        committedAtMs: atMs,
        treeId: `svn:${address}@${revision}`,
      };
    },
    // The revisions of one path follow each other.
    isAncestor: async (ancestor, descendant) => numberOf(ancestor) <= numberOf(descendant),
    async changedPaths(from, to) {
      const xml = await ask(
        asking,
        'diff',
        ['--summarize', '--xml', `--old=${target(address, from)}`, `--new=${target(address, to)}`],
        [],
      );
      return elements(xml, 'path').flatMap(({ inner }) => below(address, inner.replaceAll('&amp;', '&')) || []);
    },
    async commitsBetween(from, to, limit) {
      const range = `--revision=${numberOf(to)}:${numberOf(from) + 1}`;
      if (numberOf(to) <= numberOf(from)) return [];
      const xml = await ask(asking, 'log', ['--xml', '--quiet', `--limit=${limit}`, range], [target(address, to)]);
      return elements(xml, 'logentry')
        .map(({ attributes }) => `r${attributeOf(attributes, 'revision')}`)
        .reverse();
    },
    async checkout({ revision, targetFolder, signal }) {
      numberOf(revision);
      await mkdir(targetFolder, { recursive: true });
      if ((await readdir(targetFolder)).length > 0) {
        throw new DomainError(
          'conflict',
          `The folder ${targetFolder} is not empty, so nothing is checked out into it.`,
          { targetFolder },
        );
      }
      try {
        await put(address, revision, targetFolder, signal, 0);
      } catch (error) {
        await rm(targetFolder, { recursive: true, force: true });
        throw error;
      }
      return { via: 'svn' };
    },
  };
}

function externalsRefused(url: string, places: readonly string[]): DomainError {
  return new DomainError(
    'source.refused',
    `The tree of ${url} fetches from elsewhere (svn:externals at ${places.slice(0, 3).join(', ')}), which is not allowed for this repository. Allow it: slipway repo set NAME --externals on`,
    { url },
  );
}

/** Throws `artifact.unsafe_path` for a name that another program would take for its own data, such as `.git`. */
async function assertSafeTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true });
  for (const entry of entries) for (const name of entry.split(/[/\\]/)) assertSafeName(name);
}

async function makeRealFolders(root: string, path: string): Promise<void> {
  const parts = path.split('/');
  for (let depth = 1; depth <= parts.length; depth++) {
    const folder = join(root, ...parts.slice(0, depth));
    const isLast = depth === parts.length;
    const made = await mkdir(folder).then(
      () => true,
      () => false,
    );
    if (made || (!isLast && (await lstat(folder)).isDirectory())) continue;
    throw new DomainError(
      'artifact.unsafe_path',
      `An external is to be put at ${path}, where the tree has something else.`,
      { path },
    );
  }
}
