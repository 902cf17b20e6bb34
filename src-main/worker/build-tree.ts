/** Owns a build from its checkout to its pack, the same for a job of an installation and for a command without one. */

import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DomainError } from '../contract/errors.ts';
import type { IsolationUsed } from '../contract/isolation.ts';
import type { Plan } from '../contract/plan.ts';
import type { NewStep } from '../queue/attempt.ts';
import type { ResolvedTools } from '../toolchains/resolve-tools.ts';
import type { BuildRun } from './attempt-run.ts';
import type { RepositoryEnvironment } from './environment.ts';
import { makePlan, preparationSteps, prepareTools } from './prepare.ts';
import { type PackedArtifact, packArtifact } from './publish.ts';
import { type Checkout, runPlan } from './run-plan.ts';

export interface BuiltTree {
  readonly plan: Plan;
  readonly tools: ResolvedTools;
  readonly environment: RepositoryEnvironment;
  readonly artifact: PackedArtifact;
  readonly isolation: IsolationUsed;
  /** Of the step after the pack. */
  readonly nextPosition: number;
}

const own = (position: number, name: string, phase: NewStep['phase']): NewStep => ({
  position,
  name,
  phase,
  command: null,
  idempotent: true,
  evidence: [],
});

/**
 * Checks out, plans, finds tools, runs the steps and packs. `checkOut` puts the files into the folder that it is given;
 * `after` names the steps that the caller adds. Throws the codes of each phase.
 */
export async function buildTree(
  run: BuildRun,
  options: {
    readonly checkOut: (target: string) => Promise<void>;
    /** What the steps get beside what the plan itself sets; its secrets are masked in the log from then on. */
    readonly environment: (plan: Plan) => Promise<RepositoryEnvironment>;
    readonly after: readonly { readonly name: string; readonly phase: NewStep['phase'] }[];
  },
): Promise<BuiltTree> {
  const source = `${run.workFolder}/tree`;
  await run.recorder.add(
    preparationSteps.map(step => own(step.position, step.name, step.phase)),
    null,
  );
  await options.checkOut(source);
  const plan = await makePlan(run, source);
  const firstPosition = preparationSteps.length;
  const packPosition = firstPosition + plan.steps.length;
  const nextPosition = packPosition + 1;
  await run.recorder.add(
    [
      ...planned(plan, firstPosition),
      own(packPosition, 'Pack', 'pack'),
      ...options.after.map((step, index) => own(nextPosition + index, step.name, step.phase)),
    ],
    plan,
  );
  const environment = await options.environment(plan);
  const { isolation, tools } = await prepareTools(run, plan);
  await runPlan(run, { plan, environment, checkout: await projectOf(source, plan), tools, isolation, firstPosition });
  // A step may have put a link in its place.
  const artifact = await packArtifact(run, {
    plan,
    source: (await projectOf(source, plan)).project,
    position: packPosition,
  });
  return { plan, tools, environment, artifact, isolation: isolation.used, nextPosition };
}

/** The checkout with the absolute path of the plan's root. Throws `plan.nothing_detected` where it is no folder of the checkout itself. */
async function projectOf(source: string, plan: Plan): Promise<Checkout> {
  const tree = await realpath(source);
  const expected = resolve(tree, plan.root);
  const found = await realpath(expected).catch(() => null);
  if (found === expected) return plan.root === '.' ? { tree: source, project: source } : { tree, project: expected };
  throw new DomainError('plan.nothing_detected', `${plan.root} is no folder of the checkout, or a link to another.`);
}

function planned(plan: Plan, firstPosition: number): NewStep[] {
  return plan.steps.map((step, index) => ({
    position: firstPosition + index,
    name: step.name,
    phase: step.phase,
    command: step.run,
    idempotent: step.idempotent,
    evidence: step.evidence,
  }));
}
