import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { git } from '../../support/git-server.ts';
import { startHeadlessEngine } from '../../support/headless-engine.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { commandsOn } from '../../support/source-cli.ts';

/** Each command is a process: on a machine that is busy with other things that takes its time. */
const manyProcessesMs = 300_000;
const valuesSchema = z.array(z.object({ name: z.string(), value: z.string().nullish() }));

it('keeps the values of builds and those of a channel apart', { timeout: manyProcessesMs }, async () => {
  const root = await scratchFolder();
  const source = join(root, 'source');
  await mkdir(source);
  await git(source, 'init', '--quiet', '--initial-branch=main');
  await git(source, 'commit', '--quiet', '--allow-empty', '-m', 'One');
  const engine = await startHeadlessEngine(join(root, 'data'), { from: 'source', workers: 1 });
  onTestFinished(async () => {
    engine.signal('SIGTERM');
    await engine.ended;
  });
  const { slipway, json } = commandsOn(join(root, 'data'));
  await slipway(['repo', 'add', source, '--name', 'app']);
  const builds = ['--repository', 'app'];
  const channel = [...builds, '--channel', 'production'];

  for (const place of [builds, channel]) {
    const isOfBuilds = place === builds;
    await slipway(['env', 'set', `LEVEL=${isOfBuilds ? 'debug' : 'warn'}`, 'REGION=a=b', ...place]);
    await slipway(['secret', 'set', 'TOKEN', ...place], 'hunter2\n');
  }
  const variables = async (place: string[]) =>
    (await json(valuesSchema, ['env', 'list', ...place])).map(({ name, value }) => `${name}=${value}`).sort();
  const secrets = async (place: string[]) => json(valuesSchema, ['secret', 'list', ...place]);
  expect(await variables(channel)).toEqual(['LEVEL=warn', 'REGION=a=b']);
  for (const place of [builds, channel]) {
    const listed = await secrets(place);
    expect(listed.map(({ name }) => name)).toEqual(['TOKEN']);
    expect(JSON.stringify(listed)).not.toContain('hunter2');
  }

  await slipway(['env', 'remove', 'LEVEL', ...channel]);
  await slipway(['secret', 'remove', 'TOKEN', ...builds]);
  expect(await variables(builds)).toEqual(['LEVEL=debug', 'REGION=a=b']);
  expect(await variables(channel)).toEqual(['REGION=a=b']);
  expect(await secrets(builds)).toEqual([]);

  await expect(slipway(['env', 'set', '1A=x', ...builds])).rejects.toThrow(/NAME=VALUE/);
  await expect(slipway(['env', 'set', 'A=b', ...builds, '--channel', 'nowhere'])).rejects.toThrow(/nowhere/);
});
