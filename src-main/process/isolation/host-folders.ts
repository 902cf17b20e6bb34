/** Owns what of this machine a build must see for its tools to work, and what in there is nobody's business. */
import { lstat, readlink, realpath, stat } from 'node:fs/promises';
import { posix } from 'node:path';

export interface HostFolders {
  /** Read-only inside; files among them too. */
  readonly folders: readonly string[];
  /** Links at the root, as /bin is on most systems. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
  readonly secretFolders: readonly string[];
  readonly secretFiles: readonly string[];
}

/** Programs, libraries and settings of the system; the last few are data that compilers of a distribution keep apart. */
const systemFolders = [
  ...['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/etc', '/opt', '/sys'],
  ...['/nix', '/gnu', '/snap', '/home/linuxbrew/.linuxbrew', '/run/current-system'],
  ...['/var/lib/ghc', '/var/lib/gems', '/var/lib/ocaml', '/var/lib/haskell-packages', '/var/cache/fontconfig'],
];
/** Only root can read them, and a build of root must not. */
const secretFolders = [
  ...['/etc/ssl/private', '/etc/pki/tls/private', '/etc/ssh', '/etc/letsencrypt', '/etc/wireguard', '/etc/kubernetes'],
  ...['/etc/NetworkManager/system-connections', '/etc/sudoers.d', '/etc/docker', '/etc/openvpn', '/etc/rancher'],
];
const secretFiles = [
  '/etc/shadow',
  '/etc/shadow-',
  '/etc/gshadow',
  '/etc/gshadow-',
  '/etc/sudoers',
  '/etc/krb5.keytab',
];

/** Below a home folder: whole tool chains that keep no credentials. `.cargo` does, so only its programs are among them. */
const homeTools = [
  ...['.cargo/bin', '.rustup', '.nvm', '.volta', '.fnm', '.local/share/fnm', '.asdf', '.local/share/mise', '.pyenv'],
  ...['.rbenv', '.rvm', '.sdkman', '.bun/bin', '.deno/bin', 'go/bin', '.local/bin', '.local/lib', '.local/share/pnpm'],
  ...[
    '.local/share/uv',
    '.local/share/pipx',
    '.local/pipx',
    '.ghcup',
    '.opam',
    '.elan',
    '.dotnet',
    '.swiftly',
    '.juliaup',
  ],
  ...[
    '.nodenv',
    '.phpenv',
    '.gvm',
    '.goenv',
    '.nix-profile',
    '.poetry/bin',
    '.config/composer/vendor',
    '.tfenv',
    '.zvm',
  ],
];

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

/** What there is of the system here. */
export async function findHostFolders(): Promise<HostFolders> {
  const folders: string[] = [];
  const links: { path: string; target: string }[] = [];
  for (const path of systemFolders) {
    const facts = await lstat(path).catch(() => null);
    if (facts?.isSymbolicLink()) links.push({ path, target: await readlink(path) });
    else if (facts?.isDirectory()) folders.push(path);
  }
  // Often a link into /run, which is not there otherwise: it is full of sockets.
  const resolver = await realpath('/etc/resolv.conf').catch(() => null);
  if (resolver !== null && !isWithin(resolver, '/etc')) folders.push(resolver);
  const present = async (paths: readonly string[]) => {
    const found = await Promise.all(paths.map(exists));
    return paths.filter((_, index) => found[index]);
  };
  return { folders, links, secretFolders: await present(secretFolders), secretFiles: await present(secretFiles) };
}

/**
 * The folders outside the system's own that the tools of a build need: those of PATH with what stands beside their `bin`,
 * those of the tools that were found, and the tool chains of the home folder. None of them contains a `closed` folder.
 */
export async function findToolFolders(options: {
  readonly home: string;
  readonly searchPath: string;
  readonly toolPaths: readonly string[];
  /** Folders and files that variables name, as JAVA_HOME and SSL_CERT_FILE do. */
  readonly named: readonly string[];
  readonly closed: readonly string[];
}): Promise<string[]> {
  const { home, closed } = options;
  const isOpen = (path: string) =>
    path !== '/' &&
    !closed.some(folder => isWithin(folder, path)) &&
    !systemFolders.some(folder => isWithin(path, folder)) &&
    !['/tmp', '/proc', '/dev', '/run', '/var', home].includes(path);
  const around = (folder: string): string => {
    const parent = posix.dirname(folder);
    const stands = /^(?:\.?bin|sbin|shims)$/.test(posix.basename(folder)) && isOpen(parent);
    // Right below the home folder such a parent may hold credentials, as ~/.cargo and ~/.gem do, or everything, as ~/.local.
    return stands && posix.dirname(parent) !== home ? parent : folder;
  };
  const real = await Promise.all(options.toolPaths.map(path => realpath(path).catch(() => path)));
  const wanted = [
    ...options.searchPath.split(':').map(around),
    ...[...options.toolPaths, ...real].map(path => around(posix.dirname(path))),
    ...options.named,
    ...homeTools.map(path => posix.join(home, path)),
  ];
  const candidates = [...new Set(wanted)].filter(path => posix.isAbsolute(path) && isOpen(path));
  const facts = await Promise.all(candidates.map(path => stat(path).catch(() => null)));
  return candidates.filter(
    (path, index) => facts[index]?.isDirectory() || (facts[index] && options.named.includes(path)),
  );
}

/** Whether `path` is `folder` or lies below it. */
export function isWithin(path: string, folder: string): boolean {
  const way = posix.relative(folder, path);
  return way === '' || (!way.startsWith('../') && way !== '..');
}
