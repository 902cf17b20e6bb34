/** Owns the bench of the whole way: from a push to its release running on two machines, every stage with its share. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { callEngine, type EngineClient } from '../../../src-main/cli/engine-client.ts';
import { bytesBySourceSchema } from '../../../src-main/contract/documents.ts';
import type { EngineEvent } from '../../../src-main/contract/events.ts';
import { buildIfStale } from '../../../src-main/start/build-if-stale.ts';
import { type LongCommand, projectRoot, startSlipway } from '../../support/cli.ts';
import { eventually } from '../../support/eventually.ts';
import { startGitServer } from '../../support/git-server.ts';
import { type Bench, inFolder, minRuns, type Row, rowOf } from '../bench.ts';

const regions = [
  { name: 'Frankfurt', location: 'europe-west3', latitude: 50.11, longitude: 8.68 },
  { name: 'Oregon', location: 'us-west1', latitude: 45.6, longitude: -121.18 },
] as const;
/** The machines look for a release as often as this; the wait is part of their stage. The engine is told to look at once. */
const machineIntervalSeconds = 1;
const payloadFiles = 40;
const payloadBytes = 50_000;
const timeoutMs = 60_000;

/** The stages of one commit, milliseconds each; together they are the whole. */
interface Times {
  readonly seen: number;
  readonly claimed: number;
  readonly built: number;
  readonly stored: number;
  readonly released: number;
  readonly switched: number;
  readonly replicated: number;
  readonly whole: number;
}

interface Rollback {
  readonly tookMs: number;
  readonly fetchedBytes: number;
}

interface Driven {
  readonly all: readonly Times[];
  readonly rollbacks: readonly Rollback[];
}

function timesOf(events: readonly EngineEvent[], pushedAtMs: number, machines: number): Times | null {
  const at = (type: EngineEvent['type'], accepts: (event: EngineEvent) => boolean = () => true) =>
    events.filter(event => event.type === type && accepts(event)).map(event => event.atMs);
  const [seen] = at('revision.seen');
  const [claimed] = at('job.started');
  const [packed] = at('job.step_started', event => event.data.name === 'Pack');
  const [stored] = at('build.stored');
  const [released] = at('release.created');
  const switched = at('machine.switched');
  const replicated = at('replica.verified');
  if (seen === undefined || claimed === undefined || packed === undefined) return null;
  if (stored === undefined || released === undefined) return null;
  if (switched.length < machines || replicated.length < regions.length) return null;
  const end = Math.max(...switched);
  return {
    seen: seen - pushedAtMs,
    claimed: claimed - seen,
    built: packed - claimed,
    stored: stored - packed,
    released: released - stored,
    switched: end - released,
    replicated: Math.max(...replicated) - stored,
    whole: end - pushedAtMs,
  };
}

async function eventsAfter(client: EngineClient, after: number): Promise<EngineEvent[]> {
  return client.events.list({ after, limit: 1_000 });
}

/** Back to the release before, on every machine: how long it took from the request, the machines' interval included, and what it fetched. */
async function rollBack(client: EngineClient, repositoryId: string): Promise<Rollback> {
  const cursor = (await eventsAfter(client, 0)).at(-1)?.cursor ?? 0;
  const askedAtMs = Date.now();
  await client.releases.rollback({ repositoryId, channel: 'production', reason: 'measured' });
  return eventually(
    async () => {
      const switched = (await eventsAfter(client, cursor)).filter(event => event.type === 'machine.switched');
      if (switched.length < regions.length) return null;
      const bytes = switched.map(event => bytesBySourceSchema.parse(event.data.bytes));
      return {
        tookMs: Math.max(...switched.map(event => event.atMs)) - askedAtMs,
        fetchedBytes: bytes.reduce((sum, { peers, region }) => sum + peers + region, 0),
      };
    },
    { what: 'the rollback on both machines', timeoutMs },
  );
}

async function drive(folder: string, count: number, say: (line: string) => void): Promise<Driven> {
  const undo: (() => Promise<unknown>)[] = [];
  const data = join(folder, 'data');
  try {
    const server = await startGitServer();
    undo.push(() => server.stop());
    const repository = await server.createRepository('journey');
    const payload = Object.fromEntries(
      Array.from({ length: payloadFiles }, (_, index) => [
        `files/${index}.txt`,
        randomBytes(payloadBytes / 2).toString('hex'),
      ]),
    );
    const pipeline = 'steps:\n  - run: cp -r files dist\nartifact: [dist]\n';
    await repository.commit({ ...payload, 'slipway.yml': pipeline }, 'First');
    const host = startSlipway(['serve', '--port', '0', '--data', data]);
    undo.push(() => host.stop());
    await host.line(/Slipway runs at (\S+)/);
    return await callEngine({ data }, async client => {
      const agents: LongCommand[] = [];
      undo.push(() => Promise.all(agents.map(agent => agent.stop())));
      for (const region of regions) {
        await mkdir(join(folder, region.name), { recursive: true });
        await client.regions.add({ ...region, storeUrl: join(folder, region.name) });
      }
      const { id: repositoryId } = await client.repositories.add({ url: repository.url, name: 'journey' });
      await client.channels.set({ repositoryId, name: 'production', policy: 'auto' });
      const rootKey = (await client.engine.status()).rootPublicKey;
      for (const [index, region] of regions.entries()) {
        const name = `machine-${index + 1}`;
        const { secret } = await client.machines.pair({ repositoryId, channel: 'production', name });
        agents.push(
          startSlipway([
            ...['agent', '--store', join(folder, region.name), '--repository', repositoryId],
            ...['--channel', 'production', '--root', join(folder, name), '--key', rootKey, '--pair', secret],
            ...['--name', name, '--region', region.name, '--interval', String(machineIntervalSeconds)],
          ]),
        );
      }
      await eventually(
        async () =>
          (await eventsAfter(client, 0)).filter(event => event.type === 'machine.switched').length >= regions.length ||
          null,
        { what: 'the first release on both machines', timeoutMs },
      );
      const all: Times[] = [];
      for (let number = 1; number <= count; number += 1) {
        const cursor = (await eventsAfter(client, 0)).at(-1)?.cursor ?? 0;
        await repository.commit({ 'files/0.txt': `change ${number}\n` }, `Change ${number}`);
        const pushedAtMs = Date.now();
        await client.repositories.pollNow({ id: repositoryId });
        const times = await eventually(
          async () => timesOf(await eventsAfter(client, cursor), pushedAtMs, regions.length),
          {
            what: `commit ${number} on both machines`,
            timeoutMs,
          },
        );
        all.push(times);
        say(`commit ${number}: ${times.whole} ms`);
      }
      const rollbacks: Rollback[] = [];
      for (let number = 1; number <= minRuns; number += 1) rollbacks.push(await rollBack(client, repositoryId));
      return { all, rollbacks };
    });
  } finally {
    for (const end of undo.reverse()) await end();
  }
}

export const journeyBench: Bench = {
  summary: 'from a push to its release running on two machines, the poll interval aside, with the share of every stage',
  async run({ quick, say }) {
    await buildIfStale(projectRoot, say);
    const { all, rollbacks } = await inFolder(folder => drive(folder, quick ? minRuns : 10, say));
    const row = (name: string, stage: keyof Times): Row =>
      rowOf({ name, unit: 'ms', ours: all.map(times => times[stage]) });
    return [
      rowOf({
        name: `push to current on both machines, looking every ${machineIntervalSeconds} s`,
        unit: 'ms',
        ours: all.map(times => times.whole),
        atMost: 3_000,
      }),
      row('  push to seen, asked at once', 'seen'),
      row('  seen to claimed', 'claimed'),
      row('  claimed to built', 'built'),
      row('  built to stored', 'stored'),
      row('  stored to released', 'released'),
      row('  released to running on both', 'switched'),
      row('meanwhile: stored to verified in every region', 'replicated'),
      rowOf({
        name: `rollback: asked to switched on both, looking every ${machineIntervalSeconds} s`,
        unit: 'ms',
        ours: rollbacks.map(({ tookMs }) => tookMs),
        atMost: 1_000 * (1 + machineIntervalSeconds),
      }),
      rowOf({
        name: '  rollback: fetched',
        unit: 'bytes',
        ours: rollbacks.map(({ fetchedBytes }) => fetchedBytes),
        atMost: 0,
      }),
    ];
  },
};
