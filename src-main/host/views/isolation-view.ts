/** Owns how isolation is shown: which levels work here, the installation's defaults, and what was chosen for repositories. */
import type { Engine } from '../../compose.ts';
import { isolationLevelSchema } from '../../contract/isolation.ts';
import type { IsolationView } from '../../contract/views.ts';
import { listRepositories } from '../../database/repositories.ts';
import { probeLevel } from '../../process/isolation/levels.ts';
import { readBuildDefaults } from '../../queue/build-defaults.ts';

export async function isolationView(engine: Engine): Promise<IsolationView> {
  const levels = await Promise.all(
    isolationLevelSchema.options.map(async level => {
      const probe = level === 'none' ? null : await probeLevel(level);
      return { level, reason: probe !== null && 'reason' in probe ? probe.reason : null };
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
