/** Owns the bench of the poller: a thousand repositories every ten seconds, how soon a push is seen, and what that costs beside `git ls-remote`. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { findGit } from '../../../src-main/sources/git-cli.ts';
import { type Bench, inFolder, type Row, rowOf } from '../bench.ts';

const repositories = 1_000;
/** All are looked at once, and their looks spread out. */
const warmUpMs = 12_000;
const pushEveryMs = 100;
/** From a push until the poller has it, at the 99th percentile. */
const limitSeconds = 10.5;

const helloSchema = z.object({ urls: z.array(z.string()), revisions: z.array(z.string()) });
const pushedSchema = z.object({
  pushed: z.array(z.object({ index: z.number(), revision: z.string(), atMs: z.number() })),
  answers: z.number(),
});
const seenSchema = z.object({ seen: z.object({ revision: z.string(), atMs: z.number() }) });
const measuredSchema = z.object({
  measured: z.object({ cpuSeconds: z.number(), seconds: z.number(), longestMs: z.number() }),
});

interface Polled {
  /** Of each push that was not overtaken by a later one. */
  readonly seenSeconds: readonly number[];
  readonly missed: number;
  readonly cpuShare: number;
  readonly cpuMsPerPoll: number;
  readonly longestMs: number;
}

function forkHere(file: string, args: readonly string[] = []): ChildProcess {
  return fork(new URL(file, import.meta.url), args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

async function messageOf<Value>(child: ChildProcess, schema: z.ZodType<Value>): Promise<Value> {
  for (;;) {
    const [message] = await once(child, 'message');
    const parsed = schema.safeParse(message);
    if (parsed.success) return parsed.data;
  }
}

const percentile = (values: readonly number[], share: number) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;

async function poll(troubled: number, seconds: number): Promise<Polled> {
  return inFolder(async folder => {
    const server = forkHere('./poll-server.ts', [JSON.stringify({ repositories, troubled })]);
    const child = forkHere('./poll-child.ts');
    try {
      const hello = await messageOf(server, helloSchema);
      child.send({ file: `${folder}/slipway.db`, ...hello });
      const seen = new Map<string, number>();
      child.on('message', message => {
        const found = seenSchema.safeParse(message);
        if (found.success) seen.set(found.data.seen.revision, found.data.seen.atMs);
      });
      await delay(warmUpMs);
      const push = async (count: number) => {
        const answer = messageOf(server, pushedSchema);
        server.send({ push: count });
        return await answer;
      };
      const before = (await push(0)).answers;
      child.send('begin');
      const pushed: z.infer<typeof pushedSchema>['pushed'] = [];
      const endAt = performance.now() + seconds * 1_000;
      while (performance.now() < endAt) {
        pushed.push(...(await push(1)).pushed);
        await delay(pushEveryMs);
      }
      const measuring = messageOf(child, measuredSchema);
      child.send('measure');
      const { measured } = await measuring;
      const looks = (await push(0)).answers - before;
      // The last pushes have their interval to be seen in.
      await delay(11_000);
      const seenSeconds = pushed.flatMap(({ revision, atMs }) => {
        const at = seen.get(revision);
        return at === undefined ? [] : [(at - atMs) / 1_000];
      });
      child.send('stop');
      await once(child, 'exit');
      return {
        seenSeconds,
        // A look finds where a branch is now, and not what was there in between.
        missed: pushed.filter(
          ({ index, revision }, at) =>
            !seen.has(revision) && !pushed.slice(at + 1).some(later => later.index === index),
        ).length,
        cpuShare: (measured.cpuSeconds / measured.seconds) * 100,
        cpuMsPerPoll: (measured.cpuSeconds * 1_000) / looks,
        longestMs: measured.longestMs,
      };
    } finally {
      child.kill('SIGKILL');
      server.kill('SIGKILL');
    }
  });
}

/** CPU time of this process's children that have ended, in milliseconds. Source: proc(5), cutime and cstime, in ticks of 10 ms. */
function childrenMs(): number {
  const fields = readFileSync('/proc/self/stat', 'latin1').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

/** CPU per look of `git ls-remote`, in milliseconds; null where that cannot be had. */
async function spawnedMs(looks: number): Promise<number | null> {
  const git = await findGit();
  if (git === null || process.platform !== 'linux') return null;
  const server = forkHere('./poll-server.ts', [JSON.stringify({ repositories, troubled: 0 })]);
  try {
    const { urls } = await messageOf(server, helloSchema);
    const before = childrenMs();
    for (let done = 0; done < looks; done += 1) {
      const child = spawn(git, ['ls-remote', urls[done % urls.length] ?? '', 'refs/heads/main'], { stdio: 'ignore' });
      const [code] = await once(child, 'exit');
      if (code !== 0) throw new Error(`git ls-remote ended with ${code}`);
    }
    return (childrenMs() - before) / looks;
  } finally {
    server.kill('SIGKILL');
    await once(server, 'exit');
  }
}

export const pollBench: Bench = {
  summary: 'a thousand repositories every ten seconds: how soon a push is seen, and what that costs',
  async run({ quick, say }): Promise<readonly Row[]> {
    const seconds = quick ? 5 : 40;
    say(`${repositories} repositories, ${seconds} s of pushes …`);
    const well = await poll(0, seconds);
    say('A tenth of the repositories on servers that hang, are slow, or fail …');
    const troubled = await poll(repositories / 10, seconds);
    say('git ls-remote …');
    const spawned = await spawnedMs(quick ? 100 : 500);
    const rows = [
      rowOf({
        name: 'a push is seen, 99th percentile',
        unit: 's',
        ours: [percentile(well.seenSeconds, 0.99)],
        atMost: limitSeconds,
      }),
      rowOf({
        name: '  beside hanging, slow and failing servers',
        unit: 's',
        ours: [percentile(troubled.seenSeconds, 0.99)],
        atMost: limitSeconds,
      }),
      rowOf({ name: '  median', unit: 's', ours: [percentile(well.seenSeconds, 0.5)] }),
      rowOf({
        name: 'pushes that were not seen, and that no later one overtook',
        unit: 'pushes',
        ours: [well.missed],
        atMost: 0,
      }),
      rowOf({
        name: '  beside troubled servers',
        unit: 'pushes',
        ours: [troubled.missed],
        atMost: 0,
      }),
      rowOf({ name: 'main process', unit: '% of a core', ours: [well.cpuShare], atMost: 15 }),
      rowOf({ name: '  beside troubled servers', unit: '% of a core', ours: [troubled.cpuShare], atMost: 15 }),
      rowOf({ name: 'event loop held, longest', unit: 'ms', ours: [well.longestMs], atMost: 50 }),
    ];
    if (spawned === null) return rows;
    return [
      ...rows,
      rowOf({
        name: 'CPU per look',
        unit: 'ms',
        ours: [well.cpuMsPerPoll],
        peer: { name: 'git ls-remote', values: [spawned] },
        ratioAtMost: 0.1,
      }),
    ];
  },
};
