import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { runStep } from '../../../src-main/process/run-step.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const marker = `large-tree-${process.pid}-${Date.now()}`;

/** Every living process, zombies left out, that carries this file's marker in its environment or arguments. */
function alive(): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter(name => {
      try {
        const state = readFileSync(`/proc/${name}/stat`, 'latin1').split(') ').at(-1)?.[0];
        const traces =
          readFileSync(`/proc/${name}/environ`, 'latin1') + readFileSync(`/proc/${name}/cmdline`, 'latin1');
        return state !== 'Z' && traces.includes(marker);
      } catch {
        return false;
      }
    })
    .map(Number);
}

afterEach(() => {
  for (const pid of alive()) process.kill(pid, 'SIGKILL');
});

/** A shell with a `sleep` below it, which says so when both are there. */
const leaf = 'sleep 300 & echo ready; wait; sleep 300';
const deaf = `trap "" INT TERM HUP; ${leaf}`;

/** A hundred such shells, twenty-five of each kind: 200 processes, the step's own shells aside. */
const tree = `
i=0
while [ $i -lt 25 ]; do
  sh leaf.sh &
  sh deaf.sh &
  setsid sh deaf.sh &
  (setsid sh deaf.sh &)
  i=$((i+1))
done
wait
sleep 300
`;

describe.skipIf(process.platform !== 'linux')('a cancelled step of 200 processes', () => {
  test('leaves none alive, with new sessions, double forks and ignored signals among them', async () => {
    const folder = await scratchFolder();
    await writeFile(join(folder, 'leaf.sh'), leaf);
    await writeFile(join(folder, 'deaf.sh'), deaf);
    await writeFile(join(folder, 'tree.sh'), tree);
    const cancel = new AbortController();
    let ready = 0;
    let most = 0;
    const result = await runStep({
      commandLine: 'trap "" INT; sh tree.sh',
      cwd: folder,
      env: { PATH: process.env.PATH, MARKER: marker },
      onOutput: chunk => {
        ready += chunk.toString('latin1').split('ready').length - 1;
        if (ready < 100 || cancel.signal.aborted) return;
        most = alive().length;
        cancel.abort();
      },
      signal: cancel.signal,
      timeoutMs: 25_000,
      graceMs: 200,
    });
    expect(result).toMatchObject({ outcome: 'cancelled', signal: 'SIGKILL' });
    expect(ready).toBe(100);
    expect(most).toBeGreaterThanOrEqual(200);
    expect(alive()).toEqual([]);
  });
});
