/** Owns the look at the living processes through Linux's /proc: who is whose child. */
import { readdirSync, readFileSync } from 'node:fs';

interface Entry {
  readonly pid: number;
  readonly parentId: number;
}

function livingProcesses(): Entry[] {
  const entries: Entry[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      const [state, parentId] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state !== 'Z' && state !== 'X') entries.push({ pid: Number(name), parentId: Number(parentId) });
    } catch {
      // It ended during the look.
    }
  }
  return entries;
}

function mentions(pid: number, text: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(text);
  } catch {
    return false;
  }
}

export interface ProcessTree {
  /** Processes of the host that run the worker's program. */
  readonly workers: readonly number[];
  /** Everything that those started, at any depth. */
  readonly buildChildren: readonly number[];
}

/** The processes of the host with this pid. */
export function lookAt(hostPid: number): ProcessTree {
  const all = livingProcesses();
  const workers = all.filter(entry => entry.parentId === hostPid && mentions(entry.pid, 'crash-worker.ts'));
  const known = new Set(workers.map(entry => entry.pid));
  const buildChildren: number[] = [];
  for (let before = -1; before !== known.size; ) {
    before = known.size;
    for (const { pid, parentId } of all) {
      if (!known.has(parentId) || known.has(pid)) continue;
      known.add(pid);
      buildChildren.push(pid);
    }
  }
  return { workers: workers.map(entry => entry.pid), buildChildren };
}

/** Signals a process; false when it had ended before. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}
