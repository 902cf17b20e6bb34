/** Owns what the repository adds to the environment of one build: its variables, and the secrets that the plan names. */
import { createHmac, hkdfSync } from 'node:crypto';
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

/**
 * One digest for each of `environmentNames`, by which two records of an installation tell whether a value was the same: HMAC-SHA256 over
 * repository, name, and every value that the name has with its place. A bare hash of a short password could be guessed; the key is
 * derived from the installation's master key (HKDF, RFC 5869), so nobody without that can try guesses.
 */
export function environmentDigests(
  plan: Plan,
  { variables, secrets }: RepositoryEnvironment,
  { repositoryId, masterKey }: { readonly repositoryId: string; readonly masterKey: Uint8Array },
): Record<string, string> {
  const key = Buffer.from(hkdfSync('sha256', masterKey, '', 'slipway/environment-digest/v1', 32));
  const places: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['repository', variables],
    ['secret', secrets],
    ['plan', plan.env],
    ...plan.steps.map((step, index) => [`step ${index}`, step.env] as const),
  ];
  return Object.fromEntries(
    environmentNames(plan, { variables, secrets }).map(name => {
      const values = places.flatMap(([place, set]) => (Object.hasOwn(set, name) ? [[place, set[name]]] : []));
      const digest = createHmac('sha256', key)
        .update(JSON.stringify([repositoryId, name, values]))
        .digest('hex');
      return [name, digest];
    }),
  );
}
