import { expect, it } from 'vitest';
import { findNewestBuild } from '../../../src-main/database/builds.ts';
import { addBuild, addRepository, testDatabase } from '../../support/database-fixtures.ts';

it('the newest build is that of the newest revision, also when an older one was ready later', async () => {
  const { db } = await testDatabase();
  const repositoryId = await addRepository(db);
  expect(await findNewestBuild(db, repositoryId)).toBeNull();
  await addBuild(db, repositoryId, { createdAt: 2_000 });
  const newest = await addBuild(db, repositoryId, { createdAt: 1_000 });
  await addBuild(db, await addRepository(db), { createdAt: 3_000 });
  expect((await findNewestBuild(db, repositoryId))?.id).toBe(newest.id);
});
