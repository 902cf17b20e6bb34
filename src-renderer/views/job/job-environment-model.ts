/** Owns the names that a job's steps find in their environment, each with where it comes from; values are no part of it. Pure. */
import type { EnvironmentView } from '../../../src-main/contract/environment.ts';
import type { JobDetail } from '../../../src-main/contract/views/job.ts';

export interface EnvironmentName {
  readonly name: string;
  /** `repository`, `slipway.yml`, `detected plan`, `secret store`. */
  readonly origin: string;
  /** Null where every step has it. */
  readonly step: string | null;
}

/**
 * In the order of their strength, the weakest first. `own`: what the repository has now; of it, what was set after the job
 * had started is left out. Null while the job has no plan.
 */
export function environmentNames(
  { plan, startedAtMs }: Pick<JobDetail, 'plan' | 'startedAtMs'>,
  own: EnvironmentView | undefined,
): EnvironmentName[] | null {
  if (plan === null) return null;
  const origin = plan.origin === 'pipeline' ? 'slipway.yml' : 'detected plan';
  const mine = (own?.variables ?? []).filter(
    ({ origin, setAtMs }) => origin === 'repository' && setAtMs !== null && setAtMs <= (startedAtMs ?? 0),
  );
  const named = (names: readonly string[], origin: string, step: string | null) =>
    [...names].sort().map(name => ({ name, origin, step }));
  return [
    ...named(
      mine.map(({ name }) => name),
      'repository',
      null,
    ),
    ...named(Object.keys(plan.env), origin, null),
    ...plan.steps.flatMap(step => named(Object.keys(step.env), origin, step.name)),
    ...named(plan.secrets, 'secret store', null),
  ];
}
