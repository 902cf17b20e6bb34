/** Owns who is killed when: each kind of kill of a crash history, and the wait until it has happened. */
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from '../support/child-program.ts';
import type { HostProcess } from './host-process.ts';
import { lookAt, signal } from './processes.ts';
import type { Random } from './random.ts';

/** How often each kind comes, of a hundred. Kills of the host cost a start of everything, so they are fewer. */
const shares = [
  ['build child', 46],
  ['worker', 20],
  ['worker at a statement', 22],
  ['host', 4],
  ['host at a statement', 3],
  ['host during a release', 3],
  ['host beside a stopped worker', 2],
] as const;
export type KillKind = (typeof shares)[number][0];

/** How long a process may take to come to the statement at which it is to die. */
const statementWaitMs = 2_000;
/** Points of the statements of one release, and of a few looks around it. */
const maxReleasePoints = 40;

function chooseKind(random: Random): KillKind {
  let left = random.below(100);
  for (const [kind, share] of shares) {
    if (left < share) return kind;
    left -= share;
  }
  return 'build child';
}

/**
 * Kills something of the host's, and waits until it is dead. Returns what was killed, each by its kind. Pids that are added to
 * `stopped` are to be continued when the next host runs.
 */
export async function killSomething(host: HostProcess, random: Random, stopped: Set<number>): Promise<KillKind[]> {
  const kind = chooseKind(random);
  switch (kind) {
    case 'build child': {
      const pid = await someone(() => lookAt(host.pid).buildChildren, random);
      return pid !== null && signal(pid, 'SIGKILL') ? [kind] : [];
    }
    case 'worker': {
      const pid = await someone(() => lookAt(host.pid).workers, random);
      return pid !== null && signal(pid, 'SIGKILL') ? [kind] : [];
    }
    case 'worker at a statement': {
      const pid = await someone(() => lookAt(host.pid).workers, random);
      if (pid === null || !signal(pid, 'SIGUSR2')) return [];
      if (await comesTrue(() => !isAlive(pid), statementWaitMs)) return [kind];
      return signal(pid, 'SIGKILL') ? ['worker'] : [];
    }
    case 'host':
      await host.kill();
      return [kind];
    case 'host at a statement': {
      host.send({ type: 'arm', during: 'any', points: 1 + random.below(maxReleasePoints) });
      const reached = await comesTrue(() => host.ended, statementWaitMs);
      await host.kill();
      return [reached ? kind : 'host'];
    }
    case 'host during a release': {
      const pid = await someone(() => lookAt(host.pid).workers, random);
      if (pid === null) return [];
      host.send({ type: 'arm', during: 'release', points: 1 + random.below(maxReleasePoints) });
      const killed: KillKind[] = signal(pid, 'SIGKILL') ? ['worker'] : [];
      const reached = await comesTrue(() => host.ended, statementWaitMs);
      await host.kill();
      return [...killed, reached ? kind : 'host'];
    }
    case 'host beside a stopped worker': {
      const pid = await someone(() => lookAt(host.pid).workers, random);
      if (pid === null || !signal(pid, 'SIGSTOP')) return [];
      // It goes on where it stood, in a world in which its job was given to another.
      stopped.add(pid);
      await host.kill();
      return [kind];
    }
  }
}

/** One of those that are there, looked for until there is one. */
async function someone(look: () => readonly number[], random: Random): Promise<number | null> {
  let found = look();
  await comesTrue(() => {
    if (found.length === 0) found = look();
    return found.length > 0;
  }, statementWaitMs);
  return found.length > 0 ? random.pick(found) : null;
}

async function comesTrue(holds: () => boolean, waitMs: number): Promise<boolean> {
  const deadline = performance.now() + waitMs;
  while (!holds()) {
    if (performance.now() > deadline) return false;
    await delay(2);
  }
  return true;
}
