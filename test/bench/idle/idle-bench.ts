/** Owns the bench of an engine at rest: 50 repositories polled from loopback, nothing new in any: what its processes take. Measured in Node, on Linux. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { buildIfStale } from '../../../src-main/start/build-if-stale.ts';
import { eventually } from '../../support/eventually.ts';
import { startGitServer } from '../../support/git-server.ts';
import { startHeadlessEngine } from '../../support/headless-engine.ts';
import { type Bench, inFolder, minRuns, rowOf } from '../bench.ts';

const root = resolve(import.meta.dirname, '../../..');
const repositories = 50;
/** Of Linux's clock for processes. Source: sysconf(_SC_CLK_TCK), 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

interface Usage {
  readonly cpuMs: number;
  readonly memoryBytes: number;
}

/** Source: proc(5), /proc/pid/stat fields 14 and 15; /proc/pid/status, VmRSS in KiB. */
async function usageOf(pid: number): Promise<Usage> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'latin1'))?.[1];
  return {
    cpuMs: ((Number(fields[11]) + Number(fields[12])) * 1_000) / ticksPerSecond,
    memoryBytes: Number(resident) * 1_024,
  };
}

/** The processes that it started, and theirs. */
async function descendantsOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'latin1');
  const children = text.trim().split(' ').filter(Boolean).map(Number);
  const below = await Promise.all(children.map(descendantsOf));
  return [...children, ...below.flat()];
}

const mebibytes = (bytes: number) => bytes / 1024 ** 2;

export const idleBench: Bench = {
  summary: '50 repositories polled from loopback and nothing new: processor and memory of the engine at rest',
  async run({ quick, say }) {
    if (process.platform !== 'linux') throw new Error("The bench reads Linux's /proc.");
    await buildIfStale(root, say);
    const windowMs = quick ? 8_000 : 60_000;
    const git = await startGitServer();
    try {
      return await inFolder(async folder => {
        const engine = await startHeadlessEngine(join(folder, 'data'), { from: 'build', workers: 1 });
        try {
          // Paused, so that it rests from the start: its first builds are no part of this.
          await engine.ask(z.unknown(), '/workers/mode', { mode: 'paused' });
          for (let number = 1; number <= repositories; number += 1) {
            const repository = await git.createRepository(`idle-${number}`);
            await repository.commit({ 'index.html': `<p>${number}</p>` }, 'Begin');
            await engine.ask(z.unknown(), '/repositories', { url: repository.url });
          }
          const status = z.object({ polling: z.object({ repositories: z.number() }) });
          await eventually(async () => (await engine.ask(status, '/status')).polling.repositories === repositories);
          say(`${repositories} repositories are polled; measuring ${minRuns} times ${windowMs / 1_000} s`);
          const main: number[] = [];
          const others: number[] = [];
          const memory: number[] = [];
          const requests: number[] = [];
          for (let run = 0; run < minRuns; run += 1) {
            const children = await descendantsOf(engine.pid);
            const all = async () => Promise.all([engine.pid, ...children].map(usageOf));
            const before = await all();
            const begun = performance.now();
            await delay(windowMs);
            const after = await all();
            const elapsedMs = performance.now() - begun;
            const shares = after.map((usage, index) => ((usage.cpuMs - (before[index]?.cpuMs ?? 0)) / elapsedMs) * 100);
            const [own = 0, ...rest] = shares;
            main.push(own);
            others.push(rest.reduce((sum, share) => sum + share, 0));
            memory.push(mebibytes(after[0]?.memoryBytes ?? 0));
            requests.push((windowMs / 10_000) * repositories);
          }
          return [
            rowOf({ name: 'processor of the main process', unit: '% of one core', ours: main, atMost: 1 }),
            rowOf({ name: 'memory of the main process', unit: 'MiB', ours: memory, atMost: 200 }),
            rowOf({ name: 'processor of worker and swarm together', unit: '% of one core', ours: others }),
            rowOf({ name: 'polls in the time', unit: 'at 10 s each', ours: requests }),
          ];
        } finally {
          engine.signal('SIGTERM');
          await engine.ended;
        }
      });
    } finally {
      await git.stop();
    }
  },
};
