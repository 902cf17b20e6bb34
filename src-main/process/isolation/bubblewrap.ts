/** Owns what a build sees inside bubblewrap, as an argument list. Reads no file and starts nothing. */
import type { HostFolders } from './host-folders.ts';

export interface Sandbox {
  /** Where the home folder is, inside as outside: tools find theirs under the same name. */
  readonly home: string;
  /** What lies there inside: a folder that is kept from build to build, and holds nothing of the person's. */
  readonly buildHome: string;
  /** The checkout; it, the caches, the home and /tmp are all that can be written. */
  readonly tree: string;
  readonly caches: string | null;
  /** Where the step begins. */
  readonly cwd: string;
  /** What /tmp is inside. */
  readonly temporary: string;
  /** Shown empty. */
  readonly hidden: readonly string[];
  /** Folders of tools outside the system's own: read-only, at their own places. */
  readonly tools: readonly string[];
  readonly network: boolean;
}

/**
 * What root keeps: to own and open files, as package managers do. Without the others it cannot mount, trace or make devices,
 * so it cannot undo what is hidden. A plain user has none to begin with. Source: bwrap(1), capabilities(7).
 */
const rootCapabilities = ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_SETGID', 'CAP_SETUID'];

/**
 * The options of bwrap. Nothing of the host is there but what is named: the system's folders and the tools,
 * read-only; the tree, a /tmp and a home of the build's own. Processes and IPC are its own too, and everything ends with bwrap.
 *
 * No `--new-session`: a step leads a session without a terminal already, and its process group is how it is interrupted.
 */
export function bubblewrapArguments(sandbox: Sandbox, host: HostFolders, isRoot: boolean): string[] {
  /** By place inside. In the order of their names a folder comes before what lies in it. */
  const mounts = new Map<string, readonly string[]>();
  const put = (kind: string, source: string, target = source) => mounts.set(target, [kind, source, target]);
  for (const { path, target } of host.links) mounts.set(path, ['--symlink', target, path]);
  for (const path of host.folders) put('--ro-bind', path);
  for (const path of host.secretFolders) mounts.set(path, ['--tmpfs', path]);
  for (const path of host.secretFiles) put('--ro-bind', '/dev/null', path);
  mounts.set('/proc', ['--proc', '/proc']);
  mounts.set('/dev', ['--dev', '/dev']);
  put('--bind', sandbox.temporary, '/tmp');
  mounts.set('/var/tmp', ['--symlink', '/tmp', '/var/tmp']);
  for (const path of sandbox.tools) put('--ro-bind', path);
  put('--bind', sandbox.buildHome, sandbox.home);
  for (const path of sandbox.hidden) {
    // Where the home lies inside what is hidden, it is mounted after it.
    if (path !== sandbox.home) mounts.set(path, ['--tmpfs', path]);
  }
  put('--bind', sandbox.tree);
  if (sandbox.caches !== null) put('--bind', sandbox.caches);
  const inOrder = [...mounts.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, words]) => words);
  return [
    ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try', '--die-with-parent'],
    ...(sandbox.network ? [] : ['--unshare-net']),
    ...(isRoot ? ['--cap-drop', 'ALL', ...rootCapabilities.flatMap(name => ['--cap-add', name])] : []),
    ...inOrder,
    ...['--chdir', sandbox.cwd],
  ];
}
