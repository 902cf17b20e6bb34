/** Owns the end of a process and of everything that it started. Knows no step and no command. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { systemErrorCode } from '../contract/errors.ts';

/** More rounds than any tree needs that does not fork as fast as it is killed; such a tree must not hold us for ever. */
const maxSweepRounds = 100;
const sweepPauseMs = 10;
/** So many processes are looked at, in some 3 ms, before other work has its turn. */
const processesPerTurn = 200;

/** Signals the process group that `pid` leads. Returns whether anyone was there. On Windows every signal ends the tree. */
export function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  if (process.platform === 'win32') {
    execFile('taskkill', ['/pid', String(pid), '/T', '/F'], { windowsHide: true }, () => undefined);
    return true;
  }
  try {
    process.kill(-pid, signal);
    return true;
  } catch (error) {
    // macOS answers EPERM for a group in which only zombies are left.
    return systemErrorCode(error) === 'EPERM' && process.platform !== 'darwin';
  }
}

/** Whether any process of the group that `pid` leads is left, zombies not counted where the platform can tell. */
export async function groupIsAlive(pid: number): Promise<boolean> {
  if (process.platform === 'win32') return false;
  try {
    process.kill(-pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== 'linux') return true;
  return (await readProcesses()).some(entry => entry.groupId === pid);
}

interface ProcessEntry {
  readonly pid: number;
  readonly parentId: number;
  readonly groupId: number;
  readonly sessionId: number;
  /** In clock ticks since boot. With the pid it names a process for good: pids are used again. */
  readonly startedAtTicks: number;
}

/** What /proc says, or nothing: unreadable when the process is someone else's or has just ended; then it is not ours to kill. */
function readProc(pid: number, file: 'stat' | 'environ' | 'status' | 'smaps_rollup'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

/** Takes `items` one after another, with turns for other work between. */
async function inTurns<Item>(items: readonly Item[], take: (item: Item) => void): Promise<void> {
  for (const [index, item] of items.entries()) {
    if (index % processesPerTurn === processesPerTurn - 1) await nextTurn();
    take(item);
  }
}

/**
 * Every living process. Read synchronously: the kernel makes these files as they are read, without a disk, in some 10 µs each,
 * where the thread pool takes ten times that. Source: proc_pid_stat(5); the name in parentheses may hold spaces and
 * parentheses itself.
 */
async function readProcesses(): Promise<ProcessEntry[]> {
  const entries: ProcessEntry[] = [];
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name));
  await inTurns(pids.map(Number), pid => {
    const stat = readProc(pid, 'stat');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const state = fields[0] ?? '';
    if (state === '' || state === 'Z' || state === 'X') return;
    entries.push({
      pid,
      parentId: Number(fields[1]),
      groupId: Number(fields[2]),
      sessionId: Number(fields[3]),
      startedAtTicks: Number(fields[19]),
    });
  });
  return entries;
}

function carries(pid: number, assignment: string): boolean {
  return readProc(pid, 'environ').split('\0').includes(assignment);
}

const nameOf = (entry: ProcessEntry) => `${entry.pid}:${entry.startedAtTicks}`;

/** Ours: the leader's group and session, whoever carries the variable, those known from before, and all descendants. */
async function findTree(leaderPid: number, assignment: string, known: KnownTree): Promise<ProcessEntry[]> {
  const all = (await readProcesses()).filter(entry => entry.pid !== process.pid);
  const found = new Set<number>();
  await inTurns(all, entry => {
    const related = entry.groupId === leaderPid || entry.sessionId === leaderPid || known.has(nameOf(entry));
    if (related || carries(entry.pid, assignment)) found.add(entry.pid);
  });
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const entry of all) if (found.has(entry.parentId)) found.add(entry.pid);
  }
  return all.filter(entry => found.has(entry.pid));
}

/** A step's processes: those that its leader leads, and those that carry the variable. */
export interface StepTree {
  readonly leaderPid: number;
  /** `NAME=value`. */
  readonly assignment: string;
}

/** The processes of a step now; none where there is no /proc. */
export async function treeOf({ leaderPid, assignment }: StepTree): Promise<readonly number[]> {
  if (process.platform !== 'linux') return [];
  return (await findTree(leaderPid, assignment, new Set())).map(({ pid }) => pid);
}

/** Signals what the group's leader started, and not the leader itself. Linux alone. */
export async function signalBelow(leaderPid: number, signal: NodeJS.Signals): Promise<void> {
  for (const { pid, groupId } of await readProcesses()) {
    if (groupId !== leaderPid || pid === leaderPid) continue;
    try {
      process.kill(pid, signal);
    } catch {
      // It ended between the look and the signal.
    }
  }
}

/**
 * The memory that processes have to themselves, files that they map aside. A page that several share counts for each at first,
 * which is quick; only where that comes to more than `enoughBytes` is each page divided among those who share it.
 * Source: proc_pid_status(5), proc_pid_smaps(5).
 */
export async function measureMemory(pids: readonly number[], enoughBytes: number): Promise<number> {
  const kibIn = (text: string, pattern: RegExp) =>
    [...text.matchAll(pattern)].reduce((sum, [, kib]) => sum + Number(kib), 0);
  let quickKib = 0;
  await inTurns(pids, pid => {
    quickKib += kibIn(readProc(pid, 'status'), /^Rss(?:Anon|Shmem):\s+(\d+) kB$/gm);
  });
  if (quickKib * 1024 <= enoughBytes) return quickKib * 1024;
  let sharedOutKib = 0;
  await inTurns(pids, pid => {
    const own = kibIn(readProc(pid, 'smaps_rollup'), /^Pss_(?:Anon|Shmem):\s+(\d+) kB$/gm);
    // Unreadable where another user runs it, and without this line in old kernels.
    sharedOutKib += own || kibIn(readProc(pid, 'status'), /^Rss(?:Anon|Shmem):\s+(\d+) kB$/gm);
  });
  return sharedOutKib * 1024;
}

/** Processes by pid and start time. */
export type KnownTree = ReadonlySet<string>;

/**
 * Who belongs to the tree now. Taken before its leader is ended, while parents still lead to children that have neither
 * the environment nor the session; handed to `sweepTree` afterwards. Empty where there is no /proc.
 */
export async function rememberTree(leaderPid: number, assignment: string): Promise<KnownTree> {
  if (process.platform !== 'linux') return new Set();
  return new Set((await findTree(leaderPid, assignment, new Set())).map(nameOf));
}

/**
 * Ends, with SIGKILL, whatever the tree of `leaderPid` left behind. Returns how many processes that were.
 *
 * A process group is not enough: `setsid` leaves it, and a double fork leaves the parent as well. An environment is
 * inherited through both, so on Linux every process that carries `assignment` (`NAME=value`) is found through /proc.
 * Killing repeats until a look finds nobody, since a process may fork between the look and the kill. What escapes is
 * only a process that cleared its environment, left the session and lost its parent, all three; isolation is for that.
 * Elsewhere the group is what can be reached.
 */
export async function sweepTree(
  leaderPid: number,
  assignment: string,
  known: KnownTree = new Set<string>(),
): Promise<number> {
  signalGroup(leaderPid, 'SIGKILL');
  if (process.platform !== 'linux') return 0;
  const killed = new Set<number>();
  for (let round = 0; round < maxSweepRounds; round++) {
    const tree = await findTree(leaderPid, assignment, known);
    if (tree.length === 0) break;
    for (const { pid } of tree) {
      killed.add(pid);
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended between the look and the kill.
      }
    }
    await delay(sweepPauseMs);
  }
  return killed.size;
}
