import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { startEngine } from '../../src-main/compose.ts';
import { bytesBySourceSchema, storeKeys } from '../../src-main/contract/documents.ts';
import { listBuilds } from '../../src-main/database/builds.ts';
import { addRegion } from '../../src-main/host/region-actions.ts';
import { pairMachine, setChannel } from '../../src-main/host/release-actions.ts';
import { createNodeLauncher } from '../../src-main/process/node-launcher.ts';
import { silentLogger } from '../../src-main/telemetry/logger.ts';
import { noise } from '../support/artifact-trees.ts';
import { pipeline } from '../support/builds.ts';
import { eventually } from '../support/eventually.ts';
import { git } from '../support/git-server.ts';
import { linkNamespaces, routesOf } from '../support/network-namespaces.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

const run = promisify(execFile);
const cli = resolve(import.meta.dirname, '../../src-main/cli.ts');
const network = linkNamespaces();
afterAll(() => network?.remove());

const channel = 'production';
const activatedSchema = z.object({ kind: z.literal('activated'), bytes: bytesBySourceSchema });

describe.skipIf(network === null)('machines without any route to the control center', () => {
  it('get a release from the store and from each other, and the next, and are seen', async () => {
    if (network === null) throw new Error('there is no network');
    const { names, addresses } = network;
    // Each reaches the other, and nothing else: what is not a link is no way anywhere.
    for (const name of names) expect(routesOf(name)).toEqual([expect.stringContaining('10.214.7.0/24 dev eth0')]);

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
    const [source, regionStore] = [`${root}/source`, `${root}/region`];
    for (const folder of [source, regionStore]) await mkdir(folder);
    await addRegion(engine, { name: 'Near', location: 'here', latitude: 1, longitude: 1, storeUrl: regionStore });
    await git(source, 'init', '--quiet', '--initial-branch=main');
    const push = async (content: string) => {
      await writeFile(join(source, 'app.txt'), content);
      await git(source, 'add', '--all');
      await git(source, 'commit', '--quiet', '-m', content);
    };
    await writeFile(join(source, 'slipway.yml'), `isolation: none\n${pipeline('true')}artifact: [data, app.txt]\n`);
    await writeFile(join(source, 'data'), noise(2 * 1024 * 1024));
    await push('one');
    const { id: repositoryId } = await engine.repositories.add({ url: source });
    await setChannel(engine, { repositoryId, name: channel, policy: 'auto' });

    const machineOf = async (index: 0 | 1) => {
      const name = `machine-${index + 1}`;
      const { secret } = await pairMachine(engine, { repositoryId, channel, name });
      const options = [
        ...['agent', '--store', regionStore, '--repository', repositoryId, '--channel', channel],
        ...['--root', join(root, name), '--key', engine.keyring.rootPublicKey, '--pair', secret, '--name', name],
        ...['--region', 'Near', '--listen', addresses[index], '--json'],
      ];
      /** Looks until the release with this content has come; returns where its bytes came from. */
      const comesTo = (content: string) =>
        eventually(
          async () => {
            const args = ['netns', 'exec', names[index], process.execPath, cli, ...options, '--once'];
            const { stdout } = await run('ip', args).catch(() => ({ stdout: 'null' }));
            const outcome = activatedSchema.safeParse(JSON.parse(stdout));
            if (!outcome.success) return null;
            const running = await readFile(join(root, name, 'current/app.txt'), 'utf8');
            return running === content ? outcome.data.bytes : null;
          },
          { what: `${content} on ${name}`, timeoutMs: 120_000 },
        );
      /** Follows the channel from now on, and gives others what it has. */
      const follow = () => {
        const child = execFile('ip', ['netns', 'exec', names[index], process.execPath, cli, ...options]);
        onTestFinished(async () => {
          const ended = new Promise(settle => child.once('close', settle));
          child.kill('SIGTERM');
          await ended;
        });
      };
      return { comesTo, follow };
    };

    const [one, two] = [await machineOf(0), await machineOf(1)];
    const first = await one.comesTo('one');
    expect(first).toMatchObject({ peers: 0, reuse: 0 });
    one.follow();
    const [build] = await listBuilds(engine.db, { limit: 1 });
    const sizeBytes = first.region;
    await eventually(
      async () => {
        const { report } =
          (await engine.db
            .selectFrom('machines')
            .select('report')
            .where('name', '=', 'machine-1')
            .executeTakeFirst()) ?? {};
        return report?.includes(build?.infoHash ?? 'none') && report.includes(addresses[0]) ? true : null;
      },
      { what: 'the report of a machine that gives its pack to others', timeoutMs: 60_000 },
    );
    // Only from each other: no store has it any more.
    await rm(join(regionStore, storeKeys.pack(build?.packDigest ?? '')));
    expect(await two.comesTo('one')).toEqual({ peers: sizeBytes, region: 0, reuse: 0 });

    await push('two');
    const second = await two.comesTo('two');
    expect(second.peers + second.region).toBeGreaterThan(0);
    expect(second.peers + second.region).toBeLessThan(sizeBytes * 0.03);
    await eventually(
      async () => ((await readFile(join(root, 'machine-1/current/app.txt'), 'utf8')) === 'two' ? true : null),
      { what: 'the second release on the machine that follows', timeoutMs: 60_000 },
    );
  });
});
