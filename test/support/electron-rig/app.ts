/** Owns `app`: its life, its one instance per profile, its badge and its login item. */
import { mkdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { chromium } from './cdp.ts';
import { Events } from './strict.ts';

const lockSchema = z.object({ pid: z.number() });
const argvSchema = z.array(z.string());

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

class RigApp extends Events<
  'second-instance' | 'activate' | 'window-all-closed' | 'before-quit' | 'open-url' | 'child-process-gone'
> {
  readonly isPackaged = false;
  readonly dock = undefined;
  badge = 0;
  #userData: string | null = null;
  #isQuitting = false;

  constructor() {
    super('app', [
      ...(['second-instance', 'activate', 'window-all-closed', 'before-quit', 'open-url'] as const),
      'child-process-gone',
    ]);
  }

  setPath(name: string, path: string): void {
    if (name !== 'userData') throw new Error(`The Electron rig does not know the path ${name}.`);
    this.#userData = path;
  }

  getAppPath(): string {
    return resolve(import.meta.dirname, '../../..');
  }

  /** A file beside the profile names who holds it; the second leaves its arguments there, and the first watches. */
  requestSingleInstanceLock(): boolean {
    if (this.#userData === null) throw new Error('The Electron rig wants setPath first.');
    const folder = join(this.#userData, 'rig');
    mkdirSync(folder, { recursive: true });
    const lock = join(folder, 'lock.json');
    try {
      const { pid } = lockSchema.parse(JSON.parse(readFileSync(lock, 'utf8')));
      if (isAlive(pid)) {
        writeFileSync(join(folder, `second-${process.pid}.json`), JSON.stringify(process.argv));
        return false;
      }
    } catch {
      // Nobody holds it.
    }
    writeFileSync(lock, JSON.stringify({ pid: process.pid }));
    watch(folder, (_change, name) => {
      if (!name?.startsWith('second-')) return;
      try {
        const file = join(folder, name);
        const argv = argvSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
        rmSync(file);
        this.emit('second-instance', {}, argv);
      } catch {
        // Half-written, or heard already.
      }
    });
    return true;
  }

  async whenReady(): Promise<void> {
    await chromium();
  }

  quit(): void {
    if (this.#isQuitting) return;
    // As in Electron, after the caller has returned.
    setImmediate(() => {
      if (!this.emitPreventable('before-quit')) throw new Error('The Electron rig expects before-quit to be answered.');
    });
  }

  exit(code: number): void {
    this.#isQuitting = true;
    process.exit(code);
  }

  setBadgeCount(count: number): boolean {
    this.badge = count;
    return true;
  }
}

export const rigApp = new RigApp();
