/** Owns that a whole tree lies on the disk, and not only in the memory in front of it. */
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { runCommand } from '../process/run-command.ts';
import { syncFolder } from './pack-file.ts';
import { Tasks } from './tasks.ts';

/** A journaling file system commits together what is asked for at the same time. */
const concurrentSyncs = 16;
/** A disk that takes longer is asked file by file, which says what is wrong with it. */
const syncTimeoutMs = 10 * 60_000;

/**
 * One call for the whole file system. Node has none for it, but coreutils and BusyBox do: a tree of 60,000 files takes a second so,
 * and minutes file by file. Source: sync(1), `--file-system`; syncfs(2), which reports errors since Linux 5.8.
 */
async function syncFileSystem(root: string): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  try {
    const { outcome, exitCode } = await runCommand({
      ...{ command: 'sync', args: ['-f', '.'], cwd: root, timeoutMs: syncTimeoutMs },
      env: process.env.PATH === undefined ? {} : { PATH: process.env.PATH },
    });
    return outcome === 'exited' && exitCode === 0;
  } catch {
    // No such program here.
    return false;
  }
}

async function syncFile(file: string): Promise<void> {
  // Windows flushes only what is open for writing.
  const handle = await open(file, process.platform === 'win32' ? 'r+' : 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** On return every file, link and folder of the tree at `root` survives a power cut, `root`'s own name aside. Throws errors of the system. */
export async function syncTree(root: string): Promise<void> {
  if (await syncFileSystem(root)) return;
  const tasks = new Tasks(concurrentSyncs);
  try {
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      const entryPath = path.join(entry.parentPath, entry.name);
      if (entry.isFile()) await tasks.add(() => syncFile(entryPath));
      if (entry.isDirectory()) await tasks.add(() => syncFolder(entryPath));
    }
    await tasks.add(() => syncFolder(root));
    await tasks.finish();
  } finally {
    await tasks.settle();
  }
}
