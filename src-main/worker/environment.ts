/** Owns what the repository adds to the environment of one build: its variables, and the secrets that the plan names. */
import type { Plan } from '../contract/plan.ts';
import { buildVariables, openBuildSecrets } from '../queue/build-environment.ts';
import type { AttemptRun } from './attempt-run.ts';

export interface RepositoryEnvironment {
  readonly variables: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
}

/**
 * Reads both, before anything of the repository runs; from here on the log masks the secrets.
 * Throws `secret.missing`, `secret.key_unreadable`.
 */
export async function openEnvironment(
  run: AttemptRun,
  plan: Plan,
  masterKey: Uint8Array,
): Promise<RepositoryEnvironment> {
  const { db, repository, log } = run;
  const variables = await buildVariables(db, repository.id);
  const secrets = await openBuildSecrets(db, masterKey, repository, plan.secrets);
  await log.mask(Object.values(secrets));
  const names = Object.keys(variables);
  if (names.length > 0) await log.note(`variables of the repository: ${names.join(', ')}`);
  if (plan.secrets.length > 0) await log.note(`secrets, masked in this log: ${plan.secrets.join(', ')}`);
  return { variables, secrets };
}

/** The names of everything that the plan and the repository set, for the build record. */
export function environmentNames(plan: Plan, { variables, secrets }: RepositoryEnvironment): string[] {
  const names = [plan.env, variables, secrets, ...plan.steps.map(step => step.env)].flatMap(Object.keys);
  return [...new Set(names)].sort();
}
