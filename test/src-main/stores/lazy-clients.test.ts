import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { startHeadlessEngine } from '../../support/headless-engine.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const openStoreModule = pathToFileURL(resolve(import.meta.dirname, '../../../src-main/stores/open-store.ts')).href;

/** An environment whose Node programs write down each module of a cloud's client that they load, and what they have written. */
async function watchedEnvironment() {
  const folder = await scratchFolder();
  const seen = join(folder, 'seen');
  await writeFile(seen, '');
  const watch = join(folder, 'watch.mjs');
  await writeFile(
    watch,
    `import { appendFileSync } from 'node:fs';
    import { registerHooks } from 'node:module';
    registerHooks({
      resolve(specifier, context, next) {
        const found = next(specifier, context);
        const client = /node_modules\\/(@aws-sdk|@azure|@google-cloud|@smithy)\\//.exec(found.url);
        if (client !== null) appendFileSync(${JSON.stringify(seen)}, client[1] + '\\n');
        return found;
      },
    });`,
  );
  const env = { ...process.env, NODE_OPTIONS: `--import ${pathToFileURL(watch).href}` };
  return { env, seen: async () => [...new Set((await readFile(seen, 'utf8')).split('\n').filter(Boolean))].sort() };
}

it('an engine loads no client of a cloud before a store of it is opened', async () => {
  const { env, seen } = await watchedEnvironment();
  const engine = await startHeadlessEngine(await scratchFolder(), { from: 'source', workers: 1, env });
  onTestFinished(async () => {
    engine.signal('SIGTERM');
    await engine.ended;
  });
  await engine.ask(z.unknown(), '/regions');
  expect(await seen()).toEqual([]);
});

it.each([
  ['s3://bucket', '@aws-sdk'],
  ['azure://account/container', '@azure'],
])('%s loads its own client', async (url, client) => {
  const { env, seen } = await watchedEnvironment();
  const program = `import { openStore } from ${JSON.stringify(openStoreModule)}; await openStore(${JSON.stringify(url)});`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { env, stdio: 'inherit' });
  expect(await once(child, 'exit')).toEqual([0, null]);
  const loaded = await seen();
  expect(loaded).toContain(client);
  expect(loaded).not.toContain(client === '@azure' ? '@aws-sdk' : '@azure');
});
