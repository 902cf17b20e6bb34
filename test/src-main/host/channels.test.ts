import { v7 as uuidv7 } from 'uuid';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { insertChannel, updateRelease } from '../../../src-main/database/releases.ts';
import { decideMigration, promote, rollback } from '../../../src-main/host/channel-actions.ts';
import { freezeChannel } from '../../../src-main/host/release-actions.ts';
import { preflight } from '../../../src-main/host/views/release-views.ts';
import { addBuild, addRepository } from '../../support/database-fixtures.ts';
import { startTestHost } from '../../support/engine.ts';

const migrations = [{ id: 'm', name: 'Migrate (rails)', run: 'true', env: {}, timeoutMs: 1_000, idempotent: false }];

async function start() {
  const { engine } = await startTestHost(onTestFinished);
  const repositoryId = await addRepository(engine.db);
  for (const name of ['staging', 'production']) {
    await insertChannel(engine.db, { id: uuidv7(), repositoryId, name, policy: 'manual' });
  }
  const on = (channel: string) => ({ repositoryId, channel });
  return { engine, repositoryId, on };
}

let at: Awaited<ReturnType<typeof start>>;
beforeEach(async () => {
  at = await start();
});

describe('a channel', () => {
  it('that is frozen takes no release, unless forced with a reason, and says why in the pre-flight', async () => {
    const { engine, repositoryId, on } = at;
    const first = await addBuild(engine.db, repositoryId);
    const second = await addBuild(engine.db, repositoryId);
    await promote(engine, { ...on('production'), buildId: first.id });
    await promote(engine, { ...on('production'), buildId: second.id });
    const frozen = await freezeChannel(engine, { repositoryId, name: 'production', reason: 'audit until Monday' });
    expect(frozen.frozenReason).toBe('audit until Monday');
    const refused = { code: 'release.frozen', message: expect.stringContaining('audit until Monday') };
    await expect(promote(engine, { ...on('production'), buildId: first.id })).rejects.toMatchObject(refused);
    await expect(rollback(engine, { ...on('production'), force: true })).rejects.toMatchObject(refused);
    await expect(rollback(engine, { ...on('production'), force: true, reason: ' ' })).rejects.toMatchObject(refused);
    expect((await preflight(engine, on('production'))).checks[0]).toMatchObject({ state: 'blocked' });
    const forced = { ...on('production'), force: true, reason: 'the site is down' };
    expect(await rollback(engine, forced)).toMatchObject({ serial: 3, buildId: first.id });
    await freezeChannel(engine, { repositoryId, name: 'production', reason: null });
    expect(await promote(engine, { ...on('production'), buildId: second.id })).toMatchObject({ serial: 4 });
  });

  it('takes the same bytes that another one runs', async () => {
    const { engine, repositoryId, on } = at;
    const tried = await addBuild(engine.db, repositoryId);
    await expect(promote(engine, { ...on('production'), fromChannel: 'staging' })).rejects.toMatchObject({
      code: 'not_found',
    });
    await promote(engine, { ...on('staging'), buildId: tried.id });
    await addBuild(engine.db, repositoryId);
    const made = await promote(engine, { ...on('production'), fromChannel: 'staging' });
    expect(made).toMatchObject({ channel: 'production', buildId: tried.id, artifactId: tried.artifactId });
    const both = { ...on('production'), fromChannel: 'staging', buildId: tried.id };
    await expect(promote(engine, both)).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe('a rollback', () => {
  it('says which migrations ran since the release that it goes back to', async () => {
    const { engine, repositoryId, on } = at;
    const plain = await addBuild(engine.db, repositoryId);
    const migrating = await addBuild(engine.db, repositoryId, { migrations });
    await promote(engine, { ...on('production'), buildId: plain.id });
    const made = await promote(engine, { ...on('production'), buildId: migrating.id });
    expect(made.migration).toMatchObject({ state: 'pending' });
    const ran = JSON.stringify({ ...made.migration, state: 'succeeded' });
    await updateRelease(engine.db, made.id, { migration: ran });
    const { warnings } = await rollback(engine, on('production'));
    expect(warnings).toContainEqual({
      state: 'warning',
      title: 'The database was changed since release 1 ran',
      detail: expect.stringContaining('release 2: Migrate (rails) (succeeded)'),
    });
    await expect(
      decideMigration(engine, { ...on('production'), verdict: 'resume', reason: 'x' }),
    ).rejects.toMatchObject({ code: 'conflict' });
  });
});
