/** Owns where everything of one agent lies below its root, and that one agent alone works there. */
import { mkdir, open } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';
import { type InstanceLock, lockInstance } from '../database/instance-lock.ts';

export interface AgentFolder {
  readonly root: string;
  readonly identityFile: string;
  readonly stateFile: string;
  readonly runFile: string;
  /** Of the second instance, while two run. */
  readonly spareRunFile: string;
  readonly migrationRunFile: string;
  readonly packs: string;
  readonly releases: string;
  readonly lists: string;
  readonly environments: string;
  readonly logs: string;
  /** Of releases that did not come up. */
  readonly evidence: string;
  /** What outlives releases. */
  readonly shared: string;
  /** The symbolic link that names the running release. */
  readonly current: string;
  /** A link to the running release's environment file; absent where it has none. For units that read it. */
  readonly currentEnvironment: string;
  release(artifactId: string): string;
  pack(digest: string): string;
  torrent(digest: string): string;
  /** The file list of a release that lies here: what a delta is applied to. */
  fileList(artifactId: string): string;
  /** What the file system said of a release's files when their bytes were checked. */
  treeRecord(artifactId: string): string;
  environment(digest: string): string;
}

/** The layout below `root`, an absolute path. Throws `input.invalid`. */
export function agentFolder(root: string): AgentFolder {
  if (!isAbsolute(root)) {
    throw new DomainError(
      'input.invalid',
      `The agent's root ${JSON.stringify(root)} is not an absolute path. Give one such as /srv/app.`,
    );
  }
  return {
    root,
    identityFile: join(root, 'identity.json'),
    stateFile: join(root, 'state.json'),
    runFile: join(root, 'run.json'),
    spareRunFile: join(root, 'run-2.json'),
    migrationRunFile: join(root, 'migration-run.json'),
    packs: join(root, 'packs'),
    releases: join(root, 'releases'),
    lists: join(root, 'lists'),
    environments: join(root, 'env'),
    logs: join(root, 'logs'),
    evidence: join(root, 'evidence'),
    shared: join(root, 'shared'),
    current: join(root, 'current'),
    currentEnvironment: join(root, 'environment'),
    release: artifactId => join(root, 'releases', artifactId),
    // The name that the torrent of the pack gives to its file.
    pack: digest => join(root, 'packs', `${digest}.tar.zst`),
    torrent: digest => join(root, 'packs', `${digest}.torrent`),
    fileList: artifactId => join(root, 'lists', `${artifactId}.json`),
    treeRecord: artifactId => join(root, 'lists', `${artifactId}.tree`),
    environment: digest => join(root, 'env', `${digest}.env`),
  };
}

/** Makes the folders and takes the lock. Throws `data.locked`, `data.unwritable`. */
export async function openAgentFolder(folder: AgentFolder): Promise<InstanceLock> {
  try {
    for (const path of [folder.root, folder.packs, folder.releases, folder.lists])
      await mkdir(path, { recursive: true });
    for (const path of [folder.environments, folder.logs]) await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new DomainError(
      'data.unwritable',
      `The agent's root ${folder.root} cannot be made or written (${systemErrorCode(error) ?? messageOf(error)}). Give this user the right to, or choose another with --root.`,
      { root: folder.root },
      { cause: error },
    );
  }
  try {
    return lockInstance(join(folder.root, 'agent.lock'), folder.root);
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'data.locked') throw error;
    throw new DomainError(
      'data.locked',
      `Another agent works in ${folder.root}. Stop it, or give this one a root of its own with --root.`,
      { root: folder.root },
    );
  }
}

/** Syncs a folder's names to the disk. */
export async function syncFolder(path: string): Promise<void> {
  // Windows cannot open a folder for this, and journals renames itself.
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
