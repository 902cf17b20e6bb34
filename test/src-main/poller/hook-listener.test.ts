import { createHmac } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it, onTestFinished } from 'vitest';
import { writeSetting } from '../../../src-main/database/settings.ts';
import { createHookListener } from '../../../src-main/poller/hook-listener.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { testDatabase } from '../../support/database-fixtures.ts';
import { eventually } from '../../support/eventually.ts';

async function start(address = '127.0.0.1:0') {
  const { db } = await testDatabase();
  await writeSetting(db, 'sources.hooks', address);
  const polled: string[] = [];
  const waiting: (() => void)[] = [];
  const listener = createHookListener({
    db,
    masterKey: Buffer.alloc(32, 7),
    pollNow: id => {
      polled.push(id);
      return new Promise<void>(resolve => waiting.push(resolve));
    },
    logger: silentLogger,
  });
  onTestFinished(() => listener.stop());
  listener.start();
  const id = uuidv7();
  const send = async (
    headers: Record<string, string>,
    body = '{"ref":"refs/heads/main"}',
    path = listener.hookOf(id).path,
  ) => {
    const answer = await fetch(`http://${listener.hookOf(id).listening}${path}`, { method: 'POST', headers, body });
    return answer.status;
  };
  return { db, listener, id, polled, waiting, send };
}

const hmac = (secret: string, body: string) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

describe('a webhook of a forge', () => {
  it('is a hint to look now, once for many, where it is signed as GitHub, Bitbucket or GitLab sign', async () => {
    const { listener, id, polled, waiting, send } = await start();
    await eventually(() => listener.hookOf(id).listening);
    const { secret } = listener.hookOf(id);
    const body = '{"push":{}}';
    expect(await send({ 'x-hub-signature-256': hmac(secret, body) }, body)).toBe(202);
    expect(await send({ 'x-hub-signature': hmac(secret, body) }, body)).toBe(202);
    expect(await send({ 'x-gitlab-token': secret }, body)).toBe(202);
    expect(polled).toEqual([id]);
    waiting.shift()?.();
    await eventually(async () => (await send({ 'x-gitlab-token': secret }, body)) === 202 && polled.length === 2);
  });

  it.each([
    ['no signature', {}, undefined, 401],
    ['another secret', { 'x-hub-signature-256': hmac('other', '{}') }, undefined, 401],
    ['another token', { 'x-gitlab-token': 'other' }, undefined, 401],
    ['SHA-1', { 'x-hub-signature': 'sha1=0000' }, undefined, 401],
    ['no repository', {}, '/hooks/x', 404],
    ['a path of the API', {}, '/api/repositories', 404],
    ['a path that climbs', {}, '/hooks/../api', 404],
  ])('with %s is refused', async (_, headers: Record<string, string>, path, status) => {
    const { listener, id, polled, send } = await start();
    await eventually(() => listener.hookOf(id).listening);
    expect(await send(headers, '{}', path)).toBe(status);
    expect(polled).toEqual([]);
  });

  it('for another repository, or longer than a push, is refused', async () => {
    const { listener, id, polled, send } = await start();
    await eventually(() => listener.hookOf(id).listening);
    const other = listener.hookOf(uuidv7()).secret;
    expect(await send({ 'x-gitlab-token': other })).toBe(401);
    const body = 'x'.repeat(6 * 1024 * 1024);
    const sent = send({ 'x-gitlab-token': listener.hookOf(id).secret }, body).catch(() => 413);
    expect(await sent).toBe(413);
    expect(polled).toEqual([]);
  });

  it('has no listener until a person opens one, nor when it is closed again', async () => {
    const { db, listener, id } = await start('off');
    expect(listener.hookOf(id).listening).toBeNull();
    await writeSetting(db, 'sources.hooks', '127.0.0.1:0');
    const address = await eventually(() => listener.hookOf(id).listening);
    await writeSetting(db, 'sources.hooks', 'off');
    await eventually(() => listener.hookOf(id).listening === null);
    await expect(fetch(`http://${address}/hooks/x`)).rejects.toThrow();
  });
});
