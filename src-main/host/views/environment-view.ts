/** Owns how the environment of a repository's builds is shown: what is set where, and never the value of a secret. */

import type { EnvironmentView } from '../../contract/environment.ts';
import { DomainError } from '../../contract/errors.ts';
import { planSchema } from '../../contract/plan.ts';
import { listSecrets, listVariables } from '../../database/build-environment.ts';
import { listJobs } from '../../database/jobs.ts';
import { fromJson } from '../../database/json-column.ts';
import { findRepository } from '../../database/repositories.ts';
import type { Engine } from '../../engine.ts';

type Variable = EnvironmentView['variables'][number];

/** Weakest first, as a step's environment is put together. */
const strength: Readonly<Record<Variable['origin'], number>> = { repository: 0, pipeline: 1, step: 2 };

/** What is set here, and what the newest plan sets and asks for. Throws `not_found`. */
export async function environmentView(engine: Engine, repositoryId: string): Promise<EnvironmentView> {
  const { db } = engine;
  if (!(await findRepository(db, repositoryId))) {
    throw new DomainError('not_found', `There is no repository ${repositoryId}.`, { repositoryId });
  }
  const [rows, secretRows, jobs] = await Promise.all([
    listVariables(db, repositoryId),
    listSecrets(db, repositoryId),
    listJobs(db, { repositoryId, limit: 50 }),
  ]);
  const plan = fromJson(planSchema, jobs.find(job => job.plan !== null)?.plan ?? null);
  const of = (
    origin: Variable['origin'],
    step: string | null,
    variables: Readonly<Record<string, string>>,
  ): Variable[] => Object.entries(variables).map(([name, value]) => ({ name, value, origin, step, setAtMs: null }));
  const variables: Variable[] = [
    ...rows.map(({ name, value, setAt }) => ({
      name,
      value,
      origin: 'repository' as const,
      step: null,
      setAtMs: setAt,
    })),
    ...of('pipeline', null, plan?.env ?? {}),
    ...(plan?.steps ?? []).flatMap(step => of('step', step.name, step.env)),
  ];
  const used = new Set(plan?.secrets ?? []);
  const setAt = new Map(secretRows.map(row => [row.name, row.setAt]));
  return {
    variables: variables.sort((a, b) =>
      a.name < b.name ? -1 : a.name > b.name ? 1 : strength[a.origin] - strength[b.origin],
    ),
    secrets: [...new Set([...setAt.keys(), ...used])]
      .sort()
      .map(name => ({ name, setAtMs: setAt.get(name) ?? null, used: used.has(name) })),
  };
}
