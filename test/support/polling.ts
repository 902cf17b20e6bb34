/** Owns a poller for tests, wired as the engine wires it, over a database and mirrors of its own. */
import { onTestFinished } from 'vitest';
import { listEvents } from '../../src-main/database/events.ts';
import { listJobs } from '../../src-main/database/jobs.ts';
import { findRepository, type SourceOf, sourceOptionsOf } from '../../src-main/database/repositories.ts';
import type { Clock } from '../../src-main/domain/clock.ts';
import { dataFolder } from '../../src-main/domain/data-folder.ts';
import { createNewRevision } from '../../src-main/poller/new-revision.ts';
import { createPoller } from '../../src-main/poller/poller.ts';
import { createRepositories } from '../../src-main/poller/repositories.ts';
import { findGit } from '../../src-main/sources/git-cli.ts';
import { openSource } from '../../src-main/sources/source.ts';
import { silentLogger } from '../../src-main/telemetry/logger.ts';
import { testDatabase } from './database-fixtures.ts';

/** Looks when it is asked to, unless it is started. Ends with the test. */
export async function startPolling(options: { readonly intervalMs?: number; readonly clock?: Clock } = {}) {
  const { db, folder: root } = await testDatabase();
  const folder = dataFolder(root);
  const gitPath = await findGit();
  const mirrorOf = (repository: SourceOf) =>
    openSource({
      ...repository,
      options: sourceOptionsOf(repository),
      folder: folder.mirror(repository.id),
      gitPath,
      logger: silentLogger,
    });
  const nothing = () => undefined;
  const common = { db, clock: options.clock ?? Date.now, mirrorOf, onChanged: nothing };
  const poller = createPoller({
    ...common,
    logger: silentLogger,
    intervalMs: options.intervalMs ?? 10_000,
    newRevision: createNewRevision({ ...common, onQueued: nothing }),
  });
  onTestFinished(() => poller.stop());
  return {
    db,
    poller,
    repositories: createRepositories({ ...common, folder, sampleSource: '', poller }),
    /** In the order in which they happened. */
    eventsOf: (repositoryId: string) => listEvents(db, { after: 0, limit: 200, repositoryId }),
    /** In the order in which they were queued. */
    jobsOf: async (repositoryId: string) => (await listJobs(db, { repositoryId, limit: 200 })).reverse(),
    errorOf: async (repositoryId: string) => {
      const repository = await findRepository(db, repositoryId);
      return repository?.pollError ? JSON.parse(repository.pollError) : null;
    },
  };
}
