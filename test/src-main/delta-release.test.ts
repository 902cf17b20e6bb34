import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type AgentOutcome, createAgent } from '../../src-main/agent/agent.ts';
import { startEngine } from '../../src-main/compose.ts';
import { type Pointer, storeKeys } from '../../src-main/contract/documents.ts';
import { findBuild, listBuilds } from '../../src-main/database/builds.ts';
import { findRelease, listChannels } from '../../src-main/database/releases.ts';
import { addRegion } from '../../src-main/host/region-actions.ts';
import { pairMachine, setChannel } from '../../src-main/host/release-actions.ts';
import { createNodeLauncher } from '../../src-main/process/node-launcher.ts';
import { createFilesystemStore } from '../../src-main/stores/filesystem-store.ts';
import { silentLogger } from '../../src-main/telemetry/logger.ts';
import { noise } from '../support/artifact-trees.ts';
import { pipeline } from '../support/builds.ts';
import { eventually } from '../support/eventually.ts';
import { git } from '../support/git-server.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

const channel = 'production';

/** An engine with one region, a repository that releases by itself, and a machine that reads the region's store alone. */
async function installation() {
  const root = await scratchFolder();
  const engine = await startEngine({
    dataFolder: `${root}/data`,
    host: 'headless',
    launcher: createNodeLauncher(),
    logger: silentLogger,
    workers: 1,
    pollIntervalMs: 100,
  });
  onTestFinished(() => engine.stop());
  const source = `${root}/source`;
  await mkdir(source);
  const regionStore = `${root}/region`;
  await mkdir(regionStore);
  await addRegion(engine, { name: 'Near', location: 'here', latitude: 1, longitude: 1, storeUrl: regionStore });

  async function push(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
    for (const [path, content] of Object.entries(files)) await writeFile(join(source, path), content);
    await git(source, 'add', '--all');
    await git(source, 'commit', '--quiet', '-m', 'Change');
  }
  await git(source, 'init', '--quiet', '--initial-branch=main');
  await push({
    'slipway.yml': `isolation: none\n${pipeline('true')}artifact: [data, app.txt]\n`,
    data: noise(2 * 1024 * 1024),
    'app.txt': 'one',
  });
  const { id: repositoryId } = await engine.repositories.add({ url: source });
  await setChannel(engine, { repositoryId, name: channel, policy: 'auto' });
  const { secret } = await pairMachine(engine, { repositoryId, channel, name: 'web-1' });
  const store = createFilesystemStore(regionStore);
  const machine = `${root}/machine`;
  const warnings: string[] = [];
  const agent = createAgent({
    stores: [store],
    repositoryId,
    channel,
    root: machine,
    rootPublicKey: engine.keyring.rootPublicKey,
    pairing: secret,
    name: 'web-1',
    region: 'Near',
    swarm: null,
    listenHost: '127.0.0.1',
    pollIntervalMs: 50,
    logger: { ...silentLogger, warn: event => warnings.push(event) },
  });
  onTestFinished(() => agent.stop());

  /** What the machine made of the release with this content. */
  function activated(content: string): Promise<Extract<AgentOutcome, { kind: 'activated' }>> {
    return eventually(
      async () => {
        const outcome = await agent.runOnce();
        if (outcome.kind !== 'activated') return null;
        return (await readFile(join(machine, 'current/app.txt'), 'utf8')) === content ? outcome : null;
      },
      { what: `the release of ${content}`, timeoutMs: 60_000 },
    );
  }

  async function pointer(): Promise<Pointer> {
    const bytes = await readFile(join(regionStore, storeKeys.pointer(repositoryId, channel)));
    return JSON.parse(Buffer.from(JSON.parse(bytes.toString()).payload, 'base64').toString());
  }

  async function runningBuild() {
    const [found] = await listChannels(engine.db, repositoryId);
    const release = await findRelease(engine.db, found?.currentReleaseId ?? '');
    return findBuild(engine.db, release?.buildId ?? '');
  }
  return { engine, push, activated, pointer, runningBuild, machine, regionStore, repositoryId, warnings };
}

it('brings the second release to a machine as a delta, goes back without one, and mends a damaged base by the full pack', async () => {
  const at = await installation();
  const first = await at.activated('one');
  const fullBytes = (await at.runningBuild())?.sizeBytes ?? 0;
  expect(first.bytes).toEqual({ peers: 0, region: fullBytes, reuse: 0 });

  const changed = noise(2 * 1024 * 1024);
  changed[1_000_000] = 1;
  await at.push({ 'app.txt': 'two', data: changed });
  const second = await at.activated('two');
  const { packs } = await at.pointer();
  expect(packs.map(({ kind, baseArtifactId }) => ({ kind, baseArtifactId }))).toEqual([
    { kind: 'full', baseArtifactId: null },
    { kind: 'delta', baseArtifactId: first.artifactId },
  ]);
  const deltaBytes = packs[1]?.sizeBytes ?? 0;
  expect(deltaBytes).toBeLessThan(200_000);
  expect(at.warnings).not.toContain('agent.delta_left');
  expect(second.bytes).toEqual({ peers: 0, region: deltaBytes, reuse: (packs[0]?.sizeBytes ?? 0) - deltaBytes });
  expect(Buffer.compare(await readFile(join(at.machine, 'current/data')), changed)).toBe(0);
  expect((await readdir(join(at.machine, 'packs'))).length).toBe(2);

  const [production] = await listChannels(at.engine.db, at.repositoryId);
  if (production === undefined) throw new Error('the channel is not there');
  await at.engine.releases.rollback(production, undefined, null);
  const back = await at.activated('one');
  expect(back.bytes).toMatchObject({ peers: 0, region: 0 });

  // A program of the release writes to a file of it.
  await writeFile(join(at.machine, 'current/data'), 'not what was released');
  await rm(join(at.machine, 'releases', second.artifactId), { recursive: true });
  await at.push({ 'app.txt': 'three' });
  await eventually(async () => (await listBuilds(at.engine.db, { limit: 9 })).length === 3, {
    what: 'the third build',
  });
  await setChannel(at.engine, { repositoryId: at.repositoryId, name: channel, paused: false });
  const mended = await at.activated('three');
  expect(at.warnings).toContain('agent.delta_left');
  const pointer = await at.pointer();
  const used = pointer.packs.find(pack => pack.baseArtifactId === first.artifactId)?.sizeBytes ?? 0;
  expect(used).toBeGreaterThan(0);
  expect(mended.bytes).toEqual({ peers: 0, region: (pointer.packs[0]?.sizeBytes ?? 0) + used, reuse: 0 });
  expect(Buffer.compare(await readFile(join(at.machine, 'current/data')), changed)).toBe(0);
});

it('brings at most 3 % of the bytes of the first release where 1 % is changed', async () => {
  const at = await installation();
  const first = await at.activated('one');
  const changed = noise(2 * 1024 * 1024);
  changed.set(noise(Math.floor(changed.length / 100)).reverse(), 700_000);
  await at.push({ 'app.txt': 'two', data: changed });
  const { bytes } = await at.activated('two');
  const { packs, artifactId } = await at.pointer();
  const list = await readFile(join(at.regionStore, storeKeys.fileList(artifactId)));
  expect(bytes.peers + bytes.region + list.length).toBeLessThan(0.03 * (first.bytes.region + list.length));
  expect(bytes.region).toBe(packs[1]?.sizeBytes);
  expect(Buffer.compare(await readFile(join(at.machine, 'current/data')), changed)).toBe(0);
});

it('releases by the full pack alone where the base is damaged in the main store: the job succeeds and says so', async () => {
  const at = await installation();
  const { artifactId } = await at.activated('one');
  const base = await at.runningBuild();
  await truncate(join(at.engine.folder.mainStore, storeKeys.pack(base?.packDigest ?? '')), 1_000);
  const changed = noise(2 * 1024 * 1024);
  changed[1_000_000] = 1;
  await at.push({ 'app.txt': 'two', data: changed });
  const { bytes } = await at.activated('two');
  const { packs } = await at.pointer();
  expect(packs.map(pack => pack.kind)).toEqual(['full']);
  expect(bytes).toEqual({ peers: 0, region: packs[0]?.sizeBytes, reuse: 0 });
  const step = await at.engine.db.selectFrom('steps').selectAll().where('name', '=', 'Delta packs').executeTakeFirst();
  expect(step).toMatchObject({ status: 'skipped' });
  expect(step?.detail).toContain(`against ${artifactId.slice(0, 12)}: not made, machines take the full pack`);
});
