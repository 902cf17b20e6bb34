import { beforeAll, expect, it } from 'vitest';
import { addRepository } from '../../support/database-fixtures.ts';
import { startTestHost } from '../../support/engine.ts';
import { endsWithFile } from '../../support/for-this-file.ts';

const onEnd = endsWithFile();
let test: Awaited<ReturnType<typeof startTestHost>>;
let id: string;

beforeAll(async () => {
  test = await startTestHost(onEnd);
  id = await addRepository(test.engine.db);
});

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
  const url = new URL(test.host.url);
  const response = await fetch(new URL(`/api/repositories/${id}${path}`, url), {
    method,
    headers: { authorization: `Bearer ${url.hash.replace('#token=', '')}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
}

it('takes secrets and gives back their names alone', async () => {
  expect(await call('POST', '/secrets', { name: 'TOKEN', value: 'correct horse' })).toMatchObject({ status: 200 });
  expect(await call('POST', '/variables', { name: 'MODE', value: 'fast' })).toMatchObject({ status: 200 });
  const { status, text } = await call('GET', '/environment');
  expect(status).toBe(200);
  expect(JSON.parse(text)).toEqual({
    variables: [{ name: 'MODE', value: 'fast', origin: 'repository', step: null, setAtMs: expect.any(Number) }],
    secrets: [{ name: 'TOKEN', setAtMs: expect.any(Number), used: false }],
  });
  expect((await call('GET', '')).text).not.toContain('correct horse');
});

it('says what does not fit, without the value', async () => {
  const short = await call('POST', '/secrets', { name: 'SHORT', value: 'abcde' });
  expect(short).toMatchObject({ status: 400, text: expect.stringContaining('input.invalid') });
  expect(short.text).toContain('at least 6 characters');
  expect(short.text).not.toContain('abcde');
  for (const name of ['SLIPWAY_STEP', 'A-B', '']) {
    expect(await call('POST', '/secrets', { name, value: 'long enough' })).toMatchObject({ status: 400 });
    expect(await call('POST', '/variables', { name, value: 'x' })).toMatchObject({ status: 400 });
  }
  expect(await call('DELETE', '/secrets/NOBODY')).toMatchObject({ status: 404 });
  expect(await call('POST', '/variables', { name: 'TOKEN', value: 'x' })).toMatchObject({ status: 409 });
});

it('deletes the values with their repository', async () => {
  await test.engine.repositories.remove(id);
  for (const table of ['secrets', 'variables'] as const) {
    expect(await test.engine.db.selectFrom(table).selectAll().execute()).toEqual([]);
  }
  expect(await call('GET', '/environment')).toMatchObject({ status: 404 });
  expect(await call('POST', '/secrets', { name: 'TOKEN', value: 'correct horse' })).toMatchObject({ status: 404 });
});
