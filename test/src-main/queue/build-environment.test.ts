import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { ownNameSchema, secretValueSchema, variableValueSchema } from '../../../src-main/contract/environment.ts';
import { listSecrets, listVariables, putSecret } from '../../../src-main/database/build-environment.ts';
import { listEvents } from '../../../src-main/database/events.ts';
import { buildVariables, createBuildEnvironment, openBuildSecrets } from '../../../src-main/queue/build-environment.ts';
import { addRepository, testDatabase } from '../../support/database-fixtures.ts';

const masterKey = randomBytes(32);
const value = 'correct horse battery staple';

async function start() {
  const { db, file } = await testDatabase();
  let changes = 0;
  const environment = createBuildEnvironment({ db, masterKey, clock: () => 1_000, onChanged: () => (changes += 1) });
  const id = await addRepository(db);
  return { db, file, environment, id, repository: { id, name: 'harbour' }, changes: () => changes };
}

describe('a secret', () => {
  it('is on disk only encrypted, and opens for a build that names it', async () => {
    const { db, file, environment, id, repository, changes } = await start();
    await environment.setSecret({ repositoryId: id, name: 'TOKEN', value });
    await environment.setSecret({ repositoryId: id, name: 'OTHER', value: 'not asked for' });
    expect(await openBuildSecrets(db, masterKey, repository, ['TOKEN'])).toEqual({ TOKEN: value });
    expect(await openBuildSecrets(db, masterKey, repository, [])).toEqual({});
    expect(changes()).toBe(2);
    expect(JSON.stringify(await listEvents(db, { after: 0, limit: 100 }))).not.toContain('horse');
    await sql`pragma wal_checkpoint(truncate)`.execute(db);
    const bytes = await readFile(file);
    expect(bytes.includes('TOKEN')).toBe(true);
    expect(bytes.includes('horse')).toBe(false);
    expect(bytes.includes(Buffer.from(value).toString('base64').slice(0, 16))).toBe(false);
  });

  it('opens in no other row, under no other name and with no other key', async () => {
    const { db, environment, id, repository } = await start();
    await environment.setSecret({ repositoryId: id, name: 'TOKEN', value });
    const [row] = await listSecrets(db, id);
    const other = await addRepository(db);
    const sealedValue = row?.sealedValue ?? '';
    await putSecret(db, { repositoryId: other, name: 'TOKEN', sealedValue, setAt: 1 });
    await putSecret(db, { repositoryId: id, name: 'RENAMED', sealedValue, setAt: 1 });
    const unreadable = expect.objectContaining({ code: 'secret.key_unreadable' });
    await expect(openBuildSecrets(db, masterKey, { id: other, name: 'x' }, ['TOKEN'])).rejects.toEqual(unreadable);
    await expect(openBuildSecrets(db, masterKey, repository, ['RENAMED'])).rejects.toEqual(unreadable);
    await expect(openBuildSecrets(db, randomBytes(32), repository, ['TOKEN'])).rejects.toEqual(unreadable);
  });

  it('that is missing is reported once with all others, and with the commands that set them', async () => {
    const { db, environment, id, repository } = await start();
    await environment.setSecret({ repositoryId: id, name: 'B', value });
    const error = await openBuildSecrets(db, masterKey, repository, ['A', 'B', 'C']).catch(caught => caught);
    expect(error).toMatchObject({ code: 'secret.missing', details: { missing: ['A', 'C'] } });
    expect(error.message).toContain(`slipway secret set A --repository ${id}`);
    expect(error.message).toContain(`slipway secret set C --repository ${id}`);
    expect(error.message).not.toContain('secret set B');
  });

  it('is replaced and removed; a second removal says that there is none', async () => {
    const { db, environment, id, repository } = await start();
    await environment.setSecret({ repositoryId: id, name: 'TOKEN', value });
    await environment.setSecret({ repositoryId: id, name: 'TOKEN', value: 'another value' });
    expect(await openBuildSecrets(db, masterKey, repository, ['TOKEN'])).toEqual({ TOKEN: 'another value' });
    await environment.removeSecret({ repositoryId: id, name: 'TOKEN' });
    expect(await listSecrets(db, id)).toEqual([]);
    await expect(environment.removeSecret({ repositoryId: id, name: 'TOKEN' })).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});

describe('a variable', () => {
  it('is set, replaced and removed', async () => {
    const { db, environment, id } = await start();
    await environment.setVariable({ repositoryId: id, name: 'MODE', value: 'slow' });
    await environment.setVariable({ repositoryId: id, name: 'MODE', value: '' });
    expect(await buildVariables(db, id)).toEqual({ MODE: '' });
    await environment.removeVariable({ repositoryId: id, name: 'MODE' });
    expect(await listVariables(db, id)).toEqual([]);
  });

  it('cannot have the name of a secret, nor the other way round, and nothing is written', async () => {
    const { db, environment, id } = await start();
    await environment.setSecret({ repositoryId: id, name: 'TOKEN', value });
    await environment.setVariable({ repositoryId: id, name: 'MODE', value: 'x' });
    const conflict = expect.objectContaining({ code: 'conflict' });
    await expect(environment.setVariable({ repositoryId: id, name: 'TOKEN', value: 'x' })).rejects.toEqual(conflict);
    await expect(environment.setSecret({ repositoryId: id, name: 'MODE', value })).rejects.toEqual(conflict);
    expect((await listVariables(db, id)).map(row => row.name)).toEqual(['MODE']);
    expect((await listSecrets(db, id)).map(row => row.name)).toEqual(['TOKEN']);
  });

  it('of a repository that is not there is refused', async () => {
    const { environment } = await start();
    const request = { repositoryId: '0198f000-0000-7000-8000-000000000000', name: 'MODE', value: 'long enough' };
    await expect(environment.setVariable(request)).rejects.toMatchObject({ code: 'not_found' });
    await expect(environment.setSecret(request)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('and a secret are at most two hundred each', async () => {
    const { environment, id } = await start();
    for (let count = 0; count < 200; count += 1) {
      await environment.setVariable({ repositoryId: id, name: `V${count}`, value: '' });
    }
    await expect(environment.setVariable({ repositoryId: id, name: 'MORE', value: '' })).rejects.toMatchObject({
      code: 'conflict',
    });
    await environment.setVariable({ repositoryId: id, name: 'V7', value: 'replaced' });
  });
});

describe('names and values', () => {
  it.each(['', '1A', 'A-B', 'A B', 'Ä', 'A=B', 'SLIPWAY', 'SLIPWAY_STEP', 'slipway_x', '__proto__', 'A'.repeat(201)])(
    'refuse the name "%s"',
    name => expect(ownNameSchema.safeParse(name).success).toBe(false),
  );
  it('take usual ones', () => {
    for (const name of ['A', '_a', 'NPM_TOKEN', 'SLIPWAYS', 'a1']) expect(ownNameSchema.parse(name)).toBe(name);
    expect(variableValueSchema.parse('')).toBe('');
    expect(secretValueSchema.parse('123456')).toBe('123456');
    expect(secretValueSchema.parse('two\nlines\n')).toBe('two\nlines\n');
  });
  it('say the minimum length, and refuse what no variable can hold', () => {
    const words = (text: string) => secretValueSchema.safeParse(text).error?.issues[0]?.message ?? '';
    expect(words('12345')).toContain('at least 6 characters');
    expect(words('12345   \n')).toContain('at least 6 characters');
    expect(words('a\u0000bcdefg')).toContain('control characters');
    expect(words('x'.repeat(32_001))).toContain('at most 32000');
  });
});
