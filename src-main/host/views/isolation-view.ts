/** Owns how isolation is shown: which levels work here, the installation's defaults, and what was chosen for repositories. */

import { isolationLevelSchema } from '../../contract/isolation.ts';
import type { IsolationView } from '../../contract/views/engine.ts';
import { listRepositories } from '../../database/repositories.ts';
import type { Engine } from '../../engine.ts';
import { probeLevel, tryEngine } from '../../process/isolation/levels.ts';
import { readBuildDefaults } from '../../queue/build-defaults.ts';

export async function isolationView(engine: Engine): Promise<IsolationView> {
  const levels = await Promise.all(
    isolationLevelSchema.options.map(async level => {
      const probe = level === 'none' ? null : await probeLevel(level);
      if (probe === null || level === 'none') return { level, reason: null, isTried: true };
      if ('reason' in probe) return { level, reason: probe.reason, isTried: true };
      // Bubblewrap was tried by being probed.
      if (level === 'bubblewrap') return { level, reason: null, isTried: true };
      const trial = await tryEngine(level, probe.program);
      return { level, reason: trial?.reason ?? null, isTried: trial !== null };
    }),
  );
  const repositories = await listRepositories(engine.db);
  return {
    levels,
    defaults: await readBuildDefaults(engine.db),
    repositories: repositories.flatMap(({ id, name, isolation }) =>
      isolation === null ? [] : [{ repositoryId: id, name, level: isolation }],
    ),
  };
}
