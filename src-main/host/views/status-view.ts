/** Owns how the engine itself is shown: the foot of the rail, and `slipway status`. */

import type { EngineStatus } from '../../contract/views/engine.ts';
import { version } from '../../domain/version.ts';
import type { Engine } from '../../engine.ts';
import { takeSnapshot } from './snapshot.ts';

export async function engineStatus(engine: Engine): Promise<EngineStatus> {
  const snapshot = await takeSnapshot(engine);
  const { torrents } = engine.swarm.stats();
  const repositories = [...snapshot.repositories.values()];
  const lastPoll = Math.max(0, ...repositories.map(repository => repository.checkupAt ?? 0));
  const problems = [
    engine.storage.problem,
    engine.retention.problem,
    engine.pool.problem,
    engine.swarmProblem(),
    engine.restored.problem,
  ].filter(problem => problem !== null);
  return {
    version,
    host: engine.host,
    dataFolder: engine.folder.root,
    rootPublicKey: engine.keyring.rootPublicKey,
    startedAtMs: engine.startedAtMs,
    nowMs: snapshot.now,
    eventCursor: engine.feed.cursor,
    polling: {
      repositories: repositories.length,
      failing: repositories.filter(repository => repository.pollError !== null).length,
      lastPollAtMs: lastPoll || null,
      intervalMs: engine.pollIntervalMs,
    },
    workers: {
      busy: snapshot.running.length,
      total: snapshot.workers.length,
      paused: engine.pool.paused,
      mode: engine.pool.mode,
      wanted: engine.pool.size.workers,
      sizeReason: engine.pool.size.reason,
    },
    swarm: {
      uploadBytesPerSecond: torrents.reduce((sum, torrent) => sum + torrent.uploadBytesPerSecond, 0),
      downloadBytesPerSecond: torrents.reduce((sum, torrent) => sum + torrent.downloadBytesPerSecond, 0),
      torrents: torrents.length,
    },
    problems: problems.map(problem => problem.toView()),
  };
}
