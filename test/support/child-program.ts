/** Owns the processes that a test starts beside itself: started from source, killed when the test is over. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** Starts `test/support/database-program.ts`; resolves with its first message. */
export async function startDatabaseProgram(...args: string[]): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('./database-program.ts', import.meta.url)), args, { execArgv: [] });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  await once(child, 'message');
  return child;
}

/** Whether a process with this pid is there; on Linux a zombie, which nobody has waited for yet, counts as gone. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return true;
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.charAt(stat.lastIndexOf(')') + 2) !== 'Z';
  } catch {
    return false;
  }
}
