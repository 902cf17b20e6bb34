/** A whole engine, its API and real agents: the values of a channel from a request to the environment of what runs. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { createAgent } from '../../src-main/agent/agent.ts';
import { findReleaseBySerial, listChannels } from '../../src-main/database/releases.ts';
import { addRegion } from '../../src-main/host/region-actions.ts';
import { createFilesystemStore } from '../../src-main/stores/filesystem-store.ts';
import { silentLogger } from '../../src-main/telemetry/logger.ts';
import { startTestHost } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { git } from '../support/git-server.ts';

const pipeline = `steps:
  - run: mkdir dist && echo app > dist/app.txt
artifact: [dist]
start: printf '%s %s' "$MODE" "$TOKEN" > "$OUT/-$SLIPWAY_SERIAL"; exec sleep 600
`;

async function world() {
  const { engine, host, folder } = await startTestHost(onTestFinished, { workers: 1 });
  const url = new URL(host.url);
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${url.origin}/api${path}`, {
      method,
      headers: { authorization: `Bearer ${url.hash.replace('#token=', '')}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, text };
  };
  const source = `${folder}/source`;
  await mkdir(source);
  await writeFile(`${source}/slipway.yml`, pipeline);
  await git(source, 'init', '--quiet', '--initial-branch=main');
  await git(source, 'add', '--all');
  await git(source, 'commit', '--quiet', '-m', 'First');
  await mkdir(`${folder}/eu`);
  await addRegion(engine, { name: 'eu', location: '', latitude: 1, longitude: 1, storeUrl: `${folder}/eu` });
  const { id } = await engine.repositories.add({ url: source });
  const place = `/repositories/${id}/channels/production`;
  await mkdir(`${folder}/out`);

  async function pair(name: string) {
    const { repositoryId, channel } = { repositoryId: id, channel: 'production' };
    const { secret } = await engine.machines.invite({ repositoryId, channel, name, region: null });
    const agent = createAgent({
      // The region alone: what it needs must have been copied there.
      stores: [createFilesystemStore(`${folder}/eu`)],
      repositoryId,
      channel,
      root: `${folder}/${name}`,
      rootPublicKey: engine.keyring.rootPublicKey,
      pairing: secret,
      name,
      region: null,
      swarm: null,
      listenHost: '127.0.0.1',
      pollIntervalMs: 20,
      logger: silentLogger,
    });
    onTestFinished(() => agent.stop());
    return agent;
  }

  return {
    engine,
    folder,
    id,
    call,
    place,
    pair,
    set: (kind: 'variables' | 'secrets', name: string, value: string) =>
      call('POST', `${place}/${kind}`, { name, value }),
    promote: () => call('POST', '/releases/promote', { repositoryId: id, channel: 'production' }),
    /** What the release of this serial wrote when it was started: its MODE and TOKEN. */
    started: (serial: number) =>
      eventually(() => readFile(`${folder}/out/-${serial}`, 'utf8').then(text => (text.includes(' ') ? text : null)), {
        what: `the start of release ${serial}`,
      }),
  };
}

it('goes from the API to what runs, changes with a release of the same build, and comes back with a rollback', async () => {
  const { engine, folder, id, call, place, pair, set, promote, started } = await world();
  expect(await set('variables', 'OUT', `${folder}/out`)).toMatchObject({ status: 200 });
  expect(await set('variables', 'MODE', 'fast')).toMatchObject({ status: 200 });
  expect(await set('secrets', 'TOKEN', 'first-token')).toMatchObject({ status: 200 });
  await eventually(async () => (await promote()).status === 200, { what: 'the first release' });
  const agent = await pair('web-1');
  await agent.start();
  expect(await started(1)).toBe('fast first-token');

  expect(await set('secrets', 'TOKEN', 'second-token')).toMatchObject({ status: 200 });
  const view = await call('GET', `${place}/environment`);
  expect(JSON.parse(view.text)).toMatchObject({
    version: 1,
    nextVersion: 2,
    changed: true,
    machines: 1,
    values: [
      { name: 'MODE', kind: 'variable', value: 'fast' },
      { name: 'OUT', kind: 'variable' },
      { name: 'TOKEN', kind: 'secret', value: null },
    ],
  });
  expect(view.text).not.toContain('-token');
  expect(JSON.parse((await promote()).text)).toMatchObject({ serial: 2, environmentVersion: 2 });
  expect(await started(2)).toBe('fast second-token');

  const back = await call('POST', '/releases/rollback', { repositoryId: id, channel: 'production' });
  expect(JSON.parse(back.text)).toMatchObject({ serial: 3, kind: 'rollback', environmentVersion: 1 });
  expect(await started(3)).toBe('fast first-token');

  const later = await pair('web-2');
  await later.start();
  await eventually(
    async () => {
      const shown = z
        .array(z.looseObject({ name: z.string(), phase: z.string() }))
        .parse(JSON.parse((await call('GET', '/machines')).text));
      return shown.length === 2 && shown.every(machine => machine.phase === 'active') ? shown : null;
    },
    { what: 'both machines' },
  ).then(shown =>
    expect(shown).toMatchObject([0, 1].map(() => ({ serial: 3, environmentNames: ['MODE', 'OUT', 'TOKEN'] }))),
  );

  for (const root of ['data/store', 'eu']) {
    for (const entry of await readdir(`${folder}/${root}`, { recursive: true, withFileTypes: true })) {
      const text = entry.isFile() ? await readFile(`${entry.parentPath}/${entry.name}`, 'latin1') : '';
      expect(/(?:first|second)-token/.test(text), entry.name).toBe(false);
    }
  }
  expect(await readFile(`${folder}/data/engine.log`, 'utf8').catch(() => '')).not.toMatch(/-token/);
  const [channel] = await listChannels(engine.db, id);
  expect(await findReleaseBySerial(engine.db, channel?.id ?? '', 3)).toMatchObject({ environmentVersion: 1 });
}, 60_000);

it('refuses what does not fit, without the value, and deletes all of it with the repository', async () => {
  const { engine, id, call, place, set } = await world();
  const short = await set('secrets', 'SHORT', 'abcde');
  expect(short).toMatchObject({ status: 400, text: expect.stringContaining('at least 6 characters') });
  expect(short.text).not.toContain('abcde');
  for (const name of ['SLIPWAY_SERIAL', '1A', 'A-B', '', '__proto__']) {
    expect(await set('variables', name, 'x')).toMatchObject({ status: 400 });
    expect(await set('secrets', name, 'long enough')).toMatchObject({ status: 400 });
  }
  expect(await call('DELETE', `${place}/secrets/NOBODY`)).toMatchObject({ status: 404 });
  const elsewhere = `/repositories/${id}/channels/nowhere`;
  expect(await call('POST', `${elsewhere}/variables`, { name: 'A', value: 'b' })).toMatchObject({ status: 404 });
  expect(await call('GET', `${elsewhere}/environment`)).toMatchObject({ status: 404 });
  expect(await call('GET', `/repositories/${id}/channels/..%2f..%2fx/environment`)).toMatchObject({ status: 400 });
  await set('secrets', 'TOKEN', 'correct horse');
  await engine.repositories.remove(id);
  expect(await engine.db.selectFrom('channelValues').selectAll().execute()).toEqual([]);
  expect(await set('secrets', 'TOKEN', 'correct horse')).toMatchObject({ status: 404 });
});
