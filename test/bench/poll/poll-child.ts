/** Owns the side of ours in the poll bench: the product's poller on a database of its own, with what it costs. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { openDatabaseInThread } from '../../../src-main/database/open-database.ts';
import { insertRepository, updateRepository } from '../../../src-main/database/repositories.ts';
import { createPoller, pollIntervalMs } from '../../../src-main/poller/poller.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';

const { file, urls, revisions } = z
  .object({ file: z.string(), urls: z.array(z.string()), revisions: z.array(z.string()) })
  .parse(await new Promise(resolve => process.once('message', resolve)));

const db = openDatabaseInThread(file);
for (const [index, url] of urls.entries()) {
  await insertRepository(db, {
    id: uuidv7(),
    name: `repository ${index}`,
    vcs: 'git',
    url,
    branch: 'main',
    seenRevision: revisions[index] ?? null,
    nextPollAt: 0,
    pollFailures: 0,
    addedAt: Date.now(),
  });
}
const poller = createPoller({
  db,
  clock: Date.now,
  logger: silentLogger,
  intervalMs: pollIntervalMs,
  // What a change becomes is another cost, which comes once for each push.
  newRevision: async (repository, revision) => {
    process.send?.({ seen: { revision, atMs: Date.now() } });
    await updateRepository(db, repository.id, { seenRevision: revision });
  },
  onChanged: () => undefined,
});
poller.start();

const delays = monitorEventLoopDelay({ resolution: 5 });
let cpu = process.cpuUsage();
let since = performance.now();

process.on('message', value => {
  const message = z.enum(['begin', 'measure', 'stop']).parse(value);
  if (message === 'begin') {
    delays.enable();
    delays.reset();
    cpu = process.cpuUsage();
    since = performance.now();
  } else if (message === 'measure') {
    const { user, system } = process.cpuUsage(cpu);
    process.send?.({
      measured: {
        cpuSeconds: (user + system) / 1e6,
        seconds: (performance.now() - since) / 1_000,
        longestMs: Math.max(0, delays.max / 1e6 - 5),
      },
    });
  } else {
    void poller
      .stop()
      .then(() => db.destroy())
      .then(() => process.disconnect());
  }
});
