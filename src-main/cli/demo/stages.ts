/** Owns the demo's stages in order: each waits for the product to do something, then checks what is on disk. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildView } from '../../contract/views/build.ts';
import type { MachineView } from '../../contract/views/machine.ts';
import type { EngineClient } from '../engine-client.ts';
import { checkMachine, checkStore, DemoFailure, hold, readFileList, readPointer, readTrust } from './checks.ts';
import { addSailing, type DemoWorld, demoRegions } from './demo-world.ts';

/** Far above what any stage takes: a stage that hangs fails, and says what it waited for. */
const stageTimeoutMs = 40_000;
const lookEveryMs = 50;

export interface Stage {
  readonly name: string;
  readonly ms: number;
  /** What moved in this stage; null where nothing did. */
  readonly bytes: number | null;
  readonly checked: readonly string[];
  /** Only where machines fetched. */
  readonly bytesBySource?: { readonly peers: number; readonly region: number; readonly reuse: number };
}

export interface DemoContext {
  readonly world: DemoWorld;
  readonly client: EngineClient;
  readonly onStage: (stage: Stage) => void;
}

async function until<Value>(what: string, world: DemoWorld, look: () => Promise<Value | null>): Promise<Value> {
  const deadline = Date.now() + stageTimeoutMs;
  for (;;) {
    const value = await look();
    if (value !== null) return value;
    const dead = world.agents.find(agent => agent.process.exitCode !== null || agent.process.signalCode !== null);
    if (dead) throw new DemoFailure(`The agent ${dead.name} ended by itself. Its last words:\n${dead.lastOutput()}`);
    if (Date.now() > deadline) throw new DemoFailure(`Waited ${stageTimeoutMs / 1_000} s in vain for this: ${what}.`);
    await new Promise(resolve => setTimeout(resolve, lookEveryMs));
  }
}

async function stage(
  context: DemoContext,
  name: string,
  work: () => Promise<Omit<Stage, 'name' | 'ms'>>,
): Promise<void> {
  const startedAt = performance.now();
  const result = await work();
  context.onStage({ name, ms: Math.round(performance.now() - startedAt), ...result });
}

const sumBytes = (machines: readonly MachineView[]) =>
  machines.reduce(
    (sum, { bytes }) => ({
      peers: sum.peers + bytes.peers,
      region: sum.region + bytes.region,
      reuse: sum.reuse + bytes.reuse,
    }),
    { peers: 0, region: 0, reuse: 0 },
  );

/** The build of a revision, once its job has succeeded. */
function built({ world, client }: DemoContext, repositoryId: string, revision: string): Promise<BuildView> {
  return until(`a build of ${revision.slice(0, 10)}`, world, async () => {
    const { jobs } = await client.jobs.list({ repositoryId, limit: 5 });
    const job = jobs.find(candidate => candidate.revision.revision === revision);
    if (job && ['failed', 'cancelled', 'interrupted'].includes(job.status)) {
      const log = await client.jobs.log({ id: job.id });
      throw new DemoFailure(`Job ${job.number} ${job.status}: ${job.error?.message ?? ''}\n${log.text.slice(-2_000)}`);
    }
    if (job?.status !== 'succeeded') return null;
    return (await client.builds.list({ repositoryId })).find(build => build.jobId === job.id) ?? null;
  });
}

async function inEveryRegion({ world, client }: DemoContext, build: BuildView): Promise<string[]> {
  await until('a verified copy in every region', world, async () => {
    const { artifacts } = await client.regions.replication({ limit: 5 });
    const replicas = artifacts.find(artifact => artifact.id === build.id)?.replicas ?? [];
    return replicas.filter(replica => replica.status === 'verified').length === demoRegions.length ? true : null;
  });
  const checked: string[] = [];
  for (const { name } of demoRegions) {
    const folder = world.regionFolder(name);
    const trust = await readTrust(folder, world.host.engine.keyring.rootPublicKey);
    checked.push(...(await checkStore(folder, name, build, trust)));
  }
  return checked;
}

/** Waits until every machine reports the serial as active, and checks the machines' folders. */
async function onEveryMachine(
  { world, client }: DemoContext,
  repositoryId: string,
  serial: number,
  artifactId: string,
): Promise<{ readonly machines: MachineView[]; readonly checked: string[] }> {
  const machines = await until(`release ${serial} on every machine`, world, async () => {
    const all = await client.machines.list({ repositoryId });
    const broken = all.find(machine => machine.targetSerial === serial && machine.state === 'failed');
    if (broken) throw new DemoFailure(`${broken.name}: ${broken.phase}: ${broken.message ?? 'no reason given'}`);
    return all.length === world.agents.length && all.every(one => one.serial === serial && one.phase === 'active')
      ? all
      : null;
  });
  const checked: string[] = [];
  for (const agent of world.agents) {
    const storeFolder = world.regionFolder(agent.region);
    const trust = await readTrust(storeFolder, world.host.engine.keyring.rootPublicKey);
    const pointer = await readPointer(storeFolder, trust, { repositoryId, channel: 'production' });
    checked.push(hold(`the pointer in ${agent.region} has serial ${serial}`, pointer.serial === serial));
    checked.push(hold(`it names ${artifactId.slice(0, 12)}`, pointer.artifactId === artifactId));
    checked.push(
      ...(await checkMachine(agent.root, agent.name, artifactId, await readFileList(storeFolder, artifactId))),
    );
  }
  return { machines, checked };
}

/** Runs every stage. Throws `DemoFailure` at the first that does not hold. */
export async function runStages(context: DemoContext): Promise<void> {
  const { world, client } = context;
  const { engine } = world.host;
  const mainFolder = engine.folder.mainStore;

  await stage(context, 'regions added', async () => {
    for (const region of demoRegions) {
      await client.regions.add({ ...region, storeUrl: world.regionFolder(region.name) });
    }
    const regions = await client.regions.list();
    return { bytes: null, checked: [hold('three regions and the main store are listed', regions.length === 4)] };
  });

  let repositoryId = '';
  let firstRevision = '';
  await stage(context, 'repository added', async () => {
    const row = await client.repositories.add({ url: world.served.url, name: 'harbour-board' });
    repositoryId = row.id;
    firstRevision = row.latestJob?.revision.revision ?? '';
    await client.channels.set({ repositoryId, name: 'production', policy: 'auto' });
    return { bytes: null, checked: [hold('its first revision is queued', firstRevision !== '')] };
  });

  let first: BuildView | null = null;
  await stage(context, 'first commit built and stored', async () => {
    first = await built(context, repositoryId, firstRevision);
    const trust = await readTrust(mainFolder, engine.keyring.rootPublicKey);
    return { bytes: first.sizeBytes, checked: await checkStore(mainFolder, 'the main store', first, trust) };
  });
  const firstBuild = first as BuildView | null;
  if (!firstBuild) throw new DemoFailure('The first build is missing.');

  await stage(context, 'copied to three regions', async () => ({
    checked: await inEveryRegion(context, firstBuild),
    bytes: firstBuild.sizeBytes * demoRegions.length,
  }));

  await stage(context, 'two machines paired, release 1 on both', async () => {
    for (const [index, region] of demoRegions.slice(0, 2).entries()) {
      const name = `harbour-${index + 1}`;
      const regions = await client.regions.list();
      const regionId = regions.find(one => one.name === region.name)?.id;
      const pairing = await client.machines.pair({ repositoryId, channel: 'production', name, regionId });
      world.startAgent({ name, region: region.name, repositoryId, pairing: pairing.secret });
    }
    const { machines, checked } = await onEveryMachine(context, repositoryId, 1, firstBuild.artifactId);
    const bytesBySource = sumBytes(machines);
    const arrived = bytesBySource.peers + bytesBySource.region;
    checked.push(hold('both machines received the whole pack', arrived >= firstBuild.sizeBytes * 2));
    checked.push(hold('some of it came from the swarm', bytesBySource.peers > 0));
    return { bytes: arrived, bytesBySource, checked };
  });

  let second: BuildView | null = null;
  await stage(context, 'second commit changes one file: seen, built, stored', async () => {
    const revision = await addSailing(world.sample);
    second = await built(context, repositoryId, revision);
    const trust = await readTrust(mainFolder, engine.keyring.rootPublicKey);
    const checked = await checkStore(mainFolder, 'the main store', second, trust);
    checked.push(hold('it is another artifact', second.artifactId !== firstBuild.artifactId));
    return { bytes: second.sizeBytes, checked };
  });
  const secondBuild = second as BuildView | null;
  if (!secondBuild) throw new DemoFailure('The second build is missing.');

  await stage(context, 'copied to three regions again', async () => ({
    checked: await inEveryRegion(context, secondBuild),
    bytes: secondBuild.sizeBytes * demoRegions.length,
  }));

  await stage(context, 'release 2 on both machines', async () => {
    const { machines, checked } = await onEveryMachine(context, repositoryId, 2, secondBuild.artifactId);
    for (const { root, name } of world.agents) {
      const page = await readFile(join(root, 'current', 'dist', 'index.html'), 'utf8');
      checked.push(hold(`the new sailing is on the board of ${name}`, page.includes('Every Harbour')));
    }
    const bytesBySource = sumBytes(machines);
    return { bytes: bytesBySource.peers + bytesBySource.region, bytesBySource, checked };
  });

  await stage(context, 'rolled back on both machines', async () => {
    const release = await client.releases.rollback({
      repositoryId,
      channel: 'production',
      reason: 'the demo shows it',
    });
    const { machines, checked } = await onEveryMachine(context, repositoryId, release.serial, firstBuild.artifactId);
    const bytesBySource = sumBytes(machines);
    const fetched = bytesBySource.peers + bytesBySource.region;
    checked.push(hold('nothing was fetched for it', fetched === 0));
    checked.push(hold('it is release 3: the serial only grows', release.serial === 3));
    const [channel] = await client.channels.list({ repositoryId });
    checked.push(hold('auto is paused until a person resumes', channel?.pausedReason !== null));
    return { bytes: fetched, bytesBySource, checked };
  });
}
