/** Owns where the engine's own programs and its resources lie: in source, in the build, and in a packaged app. */
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EntryName } from './launcher.ts';

const here = fileURLToPath(import.meta.url);
const inSource = here.endsWith('.ts');

const sourceFiles: Readonly<Record<EntryName, string>> = {
  worker: 'worker/worker-main.ts',
  swarm: 'swarm/swarm-main.ts',
};

/** The engine's own worker threads. */
export type ThreadName =
  | 'backup-thread'
  | 'checkup-thread'
  | 'database-thread'
  | 'hash-thread'
  | 'pack-thread'
  | 'scan-thread'
  | 'unpack-thread'
  | 'plan-thread';

const threadSourceFiles: Readonly<Record<ThreadName, string>> = {
  'backup-thread': 'backup/backup-thread.ts',
  'checkup-thread': 'worker/checkup-thread.ts',
  'database-thread': 'database/database-thread.ts',
  'hash-thread': 'artifacts/hash-thread.ts',
  'pack-thread': 'artifacts/pack-thread.ts',
  'plan-thread': 'toolchains/plan-thread.ts',
  'scan-thread': 'artifacts/scan-thread.ts',
  'unpack-thread': 'artifacts/unpack-thread.ts',
};

/** `src-main/` in source, `out/main/` in the build: the bundler may move this file into `out/main/chunks/`. */
function mainFolder(): string {
  const folder = dirname(here);
  if (inSource) return dirname(folder);
  return basename(folder) === 'chunks' ? dirname(folder) : folder;
}

/** The absolute path of the JavaScript or TypeScript file that runs as `name`. */
export function entryPath(name: EntryName): string {
  return join(mainFolder(), inSource ? sourceFiles[name] : `${name}.js`);
}

/** The absolute path of the file that runs as a thread. */
export function threadPath(name: ThreadName): string {
  return join(mainFolder(), inSource ? threadSourceFiles[name] : `${name}.js`);
}

/** The absolute path of the project's `resources/` folder. */
export function resourcesFolder(): string {
  // Electron sets this also when it is not packaged; then it names Electron's own folder, which has no such folder in it.
  // Source: https://www.electronjs.org/docs/latest/api/process#processresourcespath-readonly
  const packaged = 'resourcesPath' in process ? process.resourcesPath : undefined;
  if (typeof packaged === 'string') {
    const folder = join(packaged, 'resources');
    if (existsSync(folder)) return folder;
  }
  return resolve(mainFolder(), inSource ? '../resources' : '../../resources');
}
