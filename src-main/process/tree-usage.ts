/** Owns what a process and its descendants use: memory, and whether the descendants do anything. Reads /proc; elsewhere knows the process itself. */
import { readdirSync, readFileSync } from 'node:fs';

export interface TreeUsage {
  /** Resident memory of the process and all its descendants. */
  readonly memoryBytes: number;
  /** Grows while a descendant computes, reads or writes; compared, never read as a number. Empty where it cannot be known. */
  readonly activity: string;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // It has ended, or is someone else's.
    return '';
  }
}

function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Of every thread, since each may have started some. Source: proc_pid_task(5); empty where the kernel was built without `children`. */
function childrenOf(pid: number): number[] {
  return tasksOf(pid).flatMap(task =>
    read(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number),
  );
}

/** Source: proc_pid_status(5), VmRSS in kB. */
function memoryOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
}

/** Times of user and system, and the bytes read and written. Source: proc_pid_stat(5), proc_pid_io(5). */
function activityOf(pid: number): string {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const io = read(`/proc/${pid}/io`);
  return `${pid}:${fields[11]}:${fields[12]}:${/^rchar: (\d+)$/m.exec(io)?.[1]}:${/^wchar: (\d+)$/m.exec(io)?.[1]}`;
}

/** Read synchronously, for a thread that does nothing else: some 20 µs for each process of the tree. */
export function treeUsage(pid: number): TreeUsage {
  if (process.platform !== 'linux') return { memoryBytes: process.memoryUsage.rss(), activity: '' };
  let memoryBytes = memoryOf(pid);
  const activity: string[] = [];
  const waiting = childrenOf(pid);
  const seen = new Set<number>([pid]);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    memoryBytes += memoryOf(next);
    activity.push(activityOf(next));
    waiting.push(...childrenOf(next));
  }
  return { memoryBytes, activity: activity.sort().join(' ') };
}
