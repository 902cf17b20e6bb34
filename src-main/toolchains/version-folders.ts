/** Owns where version managers and installers keep several versions of one tool, and reading those that are there. Runs nothing. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { compareNumbers, numbersOf } from './version-ranges.ts';

/** Programs that come in one folder, and of which one stated version speaks. */
const families = {
  node: ['node', 'npm', 'npx'],
  python: ['python', 'python3', 'pip', 'pip3'],
  ruby: ['ruby', 'bundle'],
  go: ['go'],
  rust: ['cargo', 'rustc'],
  java: ['java', 'javac'],
  maven: ['mvn'],
  gradle: ['gradle'],
  php: ['php'],
  deno: ['deno'],
  bun: ['bun'],
  zig: ['zig'],
  elixir: ['elixir', 'mix'],
  erlang: ['erl'],
} as const;
export type ToolFamily = keyof typeof families;

/** The family of a program; null where nobody keeps versions of it side by side. */
export function familyOf(program: string): ToolFamily | null {
  for (const family of familyNames) if (families[family].some(name => name === program)) return family;
  return null;
}
const familyNames: readonly ToolFamily[] = [
  ...(['node', 'python', 'ruby', 'go', 'rust', 'java', 'maven'] as const),
  ...(['gradle', 'php', 'deno', 'bun', 'zig', 'elixir', 'erlang'] as const),
];

/** A folder with one folder per version in it. */
export interface VersionPlace {
  readonly manager: string;
  readonly family: ToolFamily;
  /** Absolute. */
  readonly folder: string;
  /** The version in an entry's name, in its groups. */
  readonly entry: RegExp;
  /** Where the programs lie below an entry; the first that is there counts. */
  readonly bins: readonly string[];
}

export interface InstalledVersion {
  readonly manager: string;
  readonly version: string;
  /** Of the programs; absolute. */
  readonly folder: string;
}

type System = 'linux' | 'darwin' | 'win32';
interface Layout {
  readonly manager: string;
  /** Without it, all. */
  readonly on?: readonly System[];
  /** The variable by which a person moves it. */
  readonly variable?: string;
  /** `~` is the home folder, `%NAME%` a variable; without one of both, of the system. */
  readonly root: string;
  readonly holds: Partial<Record<ToolFamily, string>>;
  readonly entry?: RegExp;
  readonly bins?: readonly string[];
}

const posixSystems: readonly System[] = ['linux', 'darwin'];
const windows: readonly System[] = ['win32'];
const numbered = /^v?(\d+(?:\.\d+)*(?:[-+_.]\w[\w.+-]*)?)$/;
const vendored = /^(?:[a-z][a-z_]*-)*v?(\d+(?:\.\d+)*)(?:[-+_.]\w[\w.+-]*)?$/;
const jdk = /^(?:[a-zA-Z]+-)*?(\d+(?:\.\d+)*)(?:[-+_.]\w[\w.+-]*)?(?:\.jdk)?$/;
const jdkBins = ['bin', 'Contents/Home/bin'];
const inPrograms = ['Eclipse Adoptium', 'Java', 'Microsoft', 'Amazon Corretto', 'Zulu'];
const plugins = {
  ...{ node: 'nodejs', go: 'golang', python: 'python', ruby: 'ruby', rust: 'rust', java: 'java', maven: 'maven' },
  ...{ gradle: 'gradle', php: 'php', deno: 'deno', bun: 'bun', zig: 'zig', elixir: 'elixir', erlang: 'erlang' },
} as const;

/**
 * Sources: the READMEs of nvm, nvm-windows, fnm ("FNM_DIR"), n ("N_PREFIX"), nodenv, pyenv, pyenv-win, rbenv, goenv; docs.volta.sh
 * "VOLTA_HOME"; asdf-vm.com "ASDF_DATA_DIR"; mise.jdx.dev "Directories"; docs.astral.sh/uv "UV_PYTHON_INSTALL_DIR"; sdkman.io/usage;
 * rust-lang.github.io/rustup "RUSTUP_HOME"; go.dev/doc/manage-install (~/sdk); docs.brew.sh "Homebrew and Python";
 * docs.python.org/3/using; Debian's policy for Java (/usr/lib/jvm), its golang-1.NN packages, /usr/libexec/java_home.
 */
const layouts: readonly Layout[] = [
  { manager: 'nvm', on: posixSystems, variable: 'NVM_DIR', root: '~/.nvm', holds: { node: 'versions/node' } },
  { manager: 'nvm', on: posixSystems, root: '~/.config/nvm', holds: { node: 'versions/node' } },
  { manager: 'nvm', on: windows, variable: 'NVM_HOME', root: '%APPDATA%/nvm', holds: { node: '' }, bins: ['.'] },
  {
    ...{ manager: 'fnm', on: ['linux'], variable: 'FNM_DIR', root: '~/.local/share/fnm' },
    ...{ holds: { node: 'node-versions' }, bins: ['installation/bin'] },
  },
  {
    ...{ manager: 'fnm', on: ['darwin'], variable: 'FNM_DIR', root: '~/Library/Application Support/fnm' },
    ...{ holds: { node: 'node-versions' }, bins: ['installation/bin'] },
  },
  {
    ...{ manager: 'fnm', on: windows, variable: 'FNM_DIR', root: '%APPDATA%/fnm' },
    ...{ holds: { node: 'node-versions' }, bins: ['installation'] },
  },
  { manager: 'fnm', on: posixSystems, root: '~/.fnm', holds: { node: 'node-versions' }, bins: ['installation/bin'] },
  { manager: 'volta', on: posixSystems, variable: 'VOLTA_HOME', root: '~/.volta', holds: { node: 'tools/image/node' } },
  {
    ...{ manager: 'volta', on: windows, variable: 'VOLTA_HOME', root: '%LOCALAPPDATA%/Volta' },
    ...{ holds: { node: 'tools/image/node' }, bins: ['.'] },
  },
  { manager: 'n', on: posixSystems, variable: 'N_PREFIX', root: '/usr/local', holds: { node: 'n/versions/node' } },
  { manager: 'nodenv', on: posixSystems, variable: 'NODENV_ROOT', root: '~/.nodenv', holds: { node: 'versions' } },
  { manager: 'pyenv', on: posixSystems, variable: 'PYENV_ROOT', root: '~/.pyenv', holds: { python: 'versions' } },
  { manager: 'pyenv', on: windows, root: '~/.pyenv/pyenv-win', holds: { python: 'versions' }, bins: ['.'] },
  {
    ...{ manager: 'uv', on: posixSystems, variable: 'UV_PYTHON_INSTALL_DIR', root: '~/.local/share/uv/python' },
    ...{ holds: { python: '' }, entry: /^cpython-(\d+\.\d+\.\d+)-/ },
  },
  {
    ...{ manager: 'Python', on: windows, root: '%LOCALAPPDATA%/Programs/Python', holds: { python: '' } },
    ...{ entry: /^Python(\d)(\d+)$/, bins: ['.'] },
  },
  { manager: 'Python', on: ['darwin'], root: '/Library/Frameworks/Python.framework', holds: { python: 'Versions' } },
  { manager: 'rbenv', on: posixSystems, variable: 'RBENV_ROOT', root: '~/.rbenv', holds: { ruby: 'versions' } },
  { manager: 'RubyInstaller', on: windows, root: '%SYSTEMDRIVE%/', holds: { ruby: '' }, entry: /^Ruby(\d)(\d)/ },
  { manager: 'goenv', on: posixSystems, variable: 'GOENV_ROOT', root: '~/.goenv', holds: { go: 'versions' } },
  { manager: 'go.dev', root: '~/sdk', holds: { go: '' }, entry: /^go(\d+(?:\.\d+)*)$/ },
  { manager: 'gvm', on: posixSystems, root: '~/.gvm', holds: { go: 'gos' }, entry: /^go(\d+(?:\.\d+)*)$/ },
  { manager: 'the system', on: ['linux'], root: '/usr/lib', holds: { go: '' }, entry: /^go-(\d+\.\d+)$/ },
  {
    ...{ manager: 'rustup', variable: 'RUSTUP_HOME', root: '~/.rustup', holds: { rust: 'toolchains' } },
    ...{ entry: /^(\d+\.\d+\.\d+)-/ },
  },
  {
    ...{ manager: 'SDKMAN', on: posixSystems, variable: 'SDKMAN_DIR', root: '~/.sdkman' },
    ...{ holds: { java: 'candidates/java', maven: 'candidates/maven', gradle: 'candidates/gradle' } },
  },
  { manager: 'the system', on: ['linux'], root: '/usr/lib/jvm', holds: { java: '' }, entry: jdk },
  {
    ...{ manager: 'the system', on: ['darwin'], root: '/Library/Java/JavaVirtualMachines', holds: { java: '' } },
    ...{ entry: jdk, bins: jdkBins },
  },
  ...inPrograms.map(
    (vendor): Layout => ({
      ...{ manager: vendor, on: windows, root: `%ProgramFiles%/${vendor}`, holds: { java: '' }, entry: jdk },
    }),
  ),
  {
    ...{ manager: 'asdf', on: posixSystems, variable: 'ASDF_DATA_DIR', root: '~/.asdf/installs', holds: plugins },
    ...{ entry: vendored, bins: ['go/bin', 'bin', '.'] },
  },
  ...(['~/.local/share/mise/installs', '%LOCALAPPDATA%/mise/installs'] as const).map(
    (root): Layout => ({
      ...{ manager: 'mise', on: root.startsWith('~') ? posixSystems : windows, variable: 'MISE_DATA_DIR', root },
      ...{ holds: { ...plugins, node: 'node', go: 'go' }, entry: vendored, bins: ['bin', '.'] },
    }),
  ),
  ...(['/opt/homebrew/opt', '/usr/local/opt', '/home/linuxbrew/.linuxbrew/opt'] as const).map(
    (root): Layout => ({
      ...{ manager: 'Homebrew', on: root.startsWith('/home') ? ['linux'] : ['darwin'], root },
      ...{ holds: { node: '', python: '', ruby: '', go: '', java: '', php: '' }, bins: ['libexec/bin', 'bin'] },
    }),
  ),
];
/** Homebrew's formulae of several versions: `node@22`, `openjdk@17`. */
const formulae: Partial<Record<ToolFamily, string>> = { java: 'openjdk' };
/** Folders below the data folder that a variable names, where the default's root has them already. */
const belowVariable: Readonly<Record<string, string>> = { ASDF_DATA_DIR: 'installs', MISE_DATA_DIR: 'installs' };
/** Of more versions of one tool than these, the rest is not looked at. */
const maxEntries = 200;

/** The places of this platform; `systemRoot` stands before the system's own, for a tree that is not the machine's. */
export function versionPlacesOf(
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
  env: NodeJS.ProcessEnv = process.env,
  systemRoot = '',
): VersionPlace[] {
  const system: System = platform === 'win32' || platform === 'darwin' ? platform : 'linux';
  return layouts.flatMap(layout => {
    const root = layout.on?.includes(system) === false ? null : rootOf(layout, home, env, systemRoot);
    if (root === null) return [];
    return familyNames.flatMap(family => {
      const below = layout.holds[family];
      if (below === undefined) return [];
      const brewed = new RegExp(`^${formulae[family] ?? family}@(\\d+(?:\\.\\d+)*)$`);
      const entry = layout.manager === 'Homebrew' ? brewed : (layout.entry ?? numbered);
      return [{ manager: layout.manager, family, folder: join(root, below), entry, bins: layout.bins ?? ['bin'] }];
    });
  });
}

function rootOf({ variable, root }: Layout, home: string, env: NodeJS.ProcessEnv, systemRoot: string): string | null {
  const moved = variable === undefined ? undefined : env[variable];
  // A relative one would be looked for in the checkout.
  if (variable !== undefined && moved !== undefined && isAbsolute(moved)) {
    return join(moved, belowVariable[variable] ?? '');
  }
  if (root.startsWith('~')) return join(home, root.slice(1));
  const [, name, rest = ''] = /^%(\w+)%(.*)$/.exec(root) ?? [];
  if (name === undefined) return `${systemRoot}${root}`;
  const value = env[name];
  return value === undefined || value === '' ? null : join(value, rest);
}

/** The versions of one family that are there, the newest first; a version that several names lead to is told once. */
export async function installedVersions(
  places: readonly VersionPlace[],
  family: ToolFamily,
): Promise<InstalledVersion[]> {
  const found = new Map<string, InstalledVersion>();
  for (const place of places.filter(candidate => candidate.family === family)) {
    const names = await readdir(place.folder).catch(() => []);
    for (const name of names.slice(0, maxEntries)) {
      const version = place.entry.exec(name)?.slice(1).join('.');
      if (version === undefined) continue;
      const folder = await firstFolder(place.bins.map(bin => join(place.folder, name, bin)));
      if (folder === null) continue;
      const real = await realpath(folder).catch(() => folder);
      const known = found.get(real);
      // A link such as `22` tells less than the folder that it leads to.
      if (known === undefined || version.length > known.version.length) {
        found.set(real, { manager: place.manager, version, folder });
      }
    }
  }
  const numbers = (version: string) => numbersOf(version.replace(/^1\.(?=\d+\.)/, family === 'java' ? '' : '1.')) ?? [];
  return [...found.values()].sort((a, b) => compareNumbers(numbers(b.version), numbers(a.version)));
}

async function firstFolder(paths: readonly string[]): Promise<string | null> {
  for (const path of paths) {
    const facts = await stat(path).catch(() => null);
    if (facts?.isDirectory()) return path;
  }
  return null;
}
