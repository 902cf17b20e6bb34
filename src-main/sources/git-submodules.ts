/** Owns the submodules of a Git tree: which there are, where each comes from, and what is refused of what a repository says of them. */
import { DomainError } from '../contract/errors.ts';
import type { CommandResult } from '../process/run-command.ts';
import type { GitRun } from './git-cli.ts';
import { type GitLocation, parseGitUrl } from './git-url.ts';
import { isRevision } from './ref-names.ts';
import { assertSafeName } from './write-tree.ts';

export interface Submodule {
  /** Below the tree's root, with `/`. */
  readonly path: string;
  readonly location: GitLocation;
  readonly revision: string;
}

type Run = (options: Omit<GitRun, 'timeoutMs'>) => Promise<CommandResult & { readonly text: string }>;

/** Above this it is no file that a person wrote. */
const maxSubmodules = 200;

const refused = (path: string, reason: string) =>
  new DomainError(
    'artifact.unsafe_path',
    `The submodule ${JSON.stringify(path.slice(0, 200))} is not fetched: ${reason}.`,
    {
      path: path.slice(0, 200),
    },
  );

export const tooDeep = (path: string) => refused(path, 'it lies too deep, or something else lies in its place');

/**
 * The submodules of a revision. `.gitmodules` is read as a blob, never from the disk, and its addresses are held to the rules for what a
 * person may add; one that is relative is relative to the repository's own. Throws `artifact.unsafe_path`, `git.protocol`.
 */
export async function listSubmodules(
  run: Run,
  gitDir: string,
  revision: string,
  parent: GitLocation,
): Promise<Submodule[]> {
  const listed = await run({ verb: 'ls-tree', options: ['-r', '-z'], operands: [revision], gitDir });
  const links: { readonly path: string; readonly revision: string }[] = [];
  let modules: string | null = null;
  for (const entry of listed.stdout.toString('utf8').split('\0')) {
    const [, mode, id = '', path = ''] = /^(\d{6}) \w+ ([0-9a-f]+)\t([\s\S]*)$/.exec(entry) ?? [];
    if (mode === '160000' && isRevision(id)) links.push({ path, revision: id });
    if (path === '.gitmodules' && (mode === '100644' || mode === '100755')) modules = id;
  }
  if (links.length === 0) return [];
  if (links.length > maxSubmodules) throw refused(links[0]?.path ?? '', `the tree has ${links.length} of them`);
  const addresses = modules === null ? new Map<string, string>() : await readModules(run, gitDir, modules);
  return links.map(link => {
    for (const name of link.path.split('/')) assertSafeName(name);
    const address = addresses.get(link.path);
    if (address === undefined) throw refused(link.path, '.gitmodules names no address for it');
    return { ...link, location: locate(link.path, address, parent) };
  });
}

/** Addresses by path. Source: gitmodules(5). */
async function readModules(run: Run, gitDir: string, blob: string): Promise<ReadonlyMap<string, string>> {
  const content = await run({ verb: 'cat-file', options: ['blob'], operands: [blob], gitDir });
  const read = await run({
    verb: 'config',
    options: ['--file=-', '--no-includes', '--list', '--null'],
    gitDir,
    input: content.stdout,
  });
  if (content.exitCode !== 0 || read.exitCode !== 0) throw refused('.gitmodules', 'it cannot be read');
  const found = new Map<string, { path?: string; url?: string }>();
  for (const item of read.stdout.toString('utf8').split('\0')) {
    const [, name, key, value] = /^submodule\.([\s\S]*)\.(path|url)\n([\s\S]*)$/.exec(item) ?? [];
    if (name === undefined || value === undefined) continue;
    found.set(name, { ...found.get(name), [key === 'path' ? 'path' : 'url']: value });
  }
  return new Map(
    [...found.values()].flatMap(({ path, url }) => (path === undefined || url === undefined ? [] : [[path, url]])),
  );
}

function locate(path: string, address: string, parent: GitLocation): GitLocation {
  let location: GitLocation;
  try {
    location = parseGitUrl(/^\.\.?\//.test(address) ? resolveRelative(address, parent) : address);
  } catch (error) {
    throw refused(path, error instanceof Error ? error.message : 'its address is not read');
  }
  if (location.transport === 'file' && parent.transport !== 'file') {
    throw refused(path, 'it names a file of this machine, from a repository elsewhere');
  }
  return location;
}

/** As git does it: each `../` takes one part off the end of the parent's address. Throws where none is left. Source: git-submodule(1), add. */
export function resolveRelative(address: string, { url }: GitLocation): string {
  let base = url.replace(/\/+$/, '');
  let separator = '/';
  let rest = address;
  for (;;) {
    if (rest.startsWith('./')) rest = rest.slice(2);
    else if (rest.startsWith('../')) {
      rest = rest.slice(3);
      const cut = base.replace(/[/:][^/:]*$/, '');
      // Never out of the host, nor above the disk's root.
      if (separator === ':' || cut === base || /^[a-z+]+:\/\/[^/]*$/i.test(base) || !/[^/:]/.test(cut)) {
        throw new Error('its address leads out of the server');
      }
      // `git@host:app` and `../lib` is `git@host:lib`.
      separator = base.charAt(cut.length);
      base = cut;
    } else return `${base}${separator}${rest}`;
  }
}
