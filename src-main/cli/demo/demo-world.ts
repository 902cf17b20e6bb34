/** Owns what the demo stands on: a temporary folder, an engine, the sample served over HTTP, three regions, two agents. And its removal. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataFolder } from '../../domain/data-folder.ts';
import { resourcesFolder } from '../../process/entry-points.ts';
import { createSampleRepository, type SampleRepository } from '../../sources/sample-repository.ts';
import { type ServedRepository, serveRepository } from '../../sources/serve-repository.ts';
import { type RunningHost, serve } from '../serve.ts';

/** Both are shorter than in use, so that the demo shows the work and not the waiting. */
const pollIntervalMs = 1_000;
const machinePollIntervalMs = 300;
/** How long an agent may take to end in good order before it is killed. */
const agentGraceMs = 5_000;

export const demoRegions = [
  { name: 'Frankfurt', location: 'europe-west3', latitude: 50.11, longitude: 8.68 },
  { name: 'Oregon', location: 'us-west1', latitude: 45.6, longitude: -121.18 },
  { name: 'Singapore', location: 'asia-southeast1', latitude: 1.35, longitude: 103.82 },
] as const;

export interface DemoAgent {
  readonly name: string;
  readonly region: string;
  readonly root: string;
  readonly process: ChildProcess;
  readonly exited: Promise<void>;
  lastOutput(): string;
}

export interface DemoWorld {
  readonly folder: string;
  readonly sample: SampleRepository;
  readonly served: ServedRepository;
  readonly host: RunningHost;
  readonly agents: DemoAgent[];
  regionFolder(name: string): string;
  startAgent(options: {
    readonly name: string;
    readonly region: string;
    readonly repositoryId: string;
    readonly pairing: string;
  }): DemoAgent;
  /** Ends everything and removes the folder. May be repeated. */
  stop(): Promise<void>;
}

function startAgentProcess(name: string, region: string, root: string, args: readonly string[]): DemoAgent {
  const child = spawn(process.execPath, [process.argv[1] ?? '', 'agent', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let tail = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-4_000);
  });
  const exited = new Promise<void>(resolve => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  return { name, region, root, process: child, exited, lastOutput: () => tail };
}

async function endAgent(agent: DemoAgent): Promise<void> {
  agent.process.kill('SIGTERM');
  const kill = setTimeout(() => agent.process.kill('SIGKILL'), agentGraceMs);
  await agent.exited;
  clearTimeout(kill);
}

/** Builds the world. What was started is ended again when a later part fails. */
export async function createDemoWorld(): Promise<DemoWorld> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'slipway-demo-')));
  const undo: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true, maxRetries: 5 })];
  let stopped: Promise<void> | null = null;
  const stop = () => {
    stopped ??= (async () => {
      for (const step of undo.reverse()) await step();
    })();
    return stopped;
  };
  try {
    const sample = await createSampleRepository({
      from: `${resourcesFolder()}/sample`,
      folder: join(folder, 'harbour-board'),
    });
    const served = await serveRepository({ repositoryFolder: sample.folder, host: '127.0.0.1', port: 0 });
    undo.push(() => served.stop());
    const host = await serve({
      folder: dataFolder(join(folder, 'data')),
      port: 0,
      workers: 1,
      pollIntervalMs,
      machinePollIntervalMs,
    });
    undo.push(() => host.stop());
    const agents: DemoAgent[] = [];
    undo.push(() => Promise.all(agents.map(endAgent)));
    const regionFolder = (name: string) => join(folder, 'regions', name);
    for (const region of demoRegions) await mkdir(regionFolder(region.name), { recursive: true });
    return {
      folder,
      sample,
      served,
      host,
      agents,
      regionFolder,
      stop,
      startAgent({ name, region, repositoryId, pairing }) {
        const root = join(folder, 'machines', name);
        const agent = startAgentProcess(name, region, root, [
          ...['--store', regionFolder(region), '--repository', repositoryId, '--channel', 'production'],
          ...['--root', root, '--key', host.engine.keyring.rootPublicKey, '--pair', pairing],
          ...['--name', name, '--region', region, '--interval', '1', '--supervise'],
        ]);
        agents.push(agent);
        return agent;
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The sample's timetable with one more sailing: the demo's second commit changes this one file. */
export async function addSailing(sample: SampleRepository): Promise<string> {
  const path = 'data/sailings.json';
  const board = JSON.parse(await readFile(join(sample.folder, path), 'utf8'));
  board.sailings.push({ time: '21:55', ship: 'Slipway', to: 'Every Harbour', pier: 1, status: 'on time' });
  return sample.commit({ [path]: `${JSON.stringify(board, null, 2)}\n` }, 'Add the night sailing to every harbour');
}
