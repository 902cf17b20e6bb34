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
import type { BuildIsolation } from './isolate.ts';
import { makePlan, preparationSteps, prepareTools } from './prepare.ts';
import { type PackedArtifact, packArtifact } from './publish.ts';
import { runPlan } from './run-plan.ts';

/** A tree that is checked out, with all that is decided before its first step. */
export interface PlannedTree {
  /** The checkout. */
  readonly source: string;
  /** The plan's root in it: where its steps run, and what paths of the plan are below. */
  readonly project: string;
  readonly plan: Plan;
  readonly tools: ResolvedTools;
  readonly environment: RepositoryEnvironment;
  readonly isolation: BuildIsolation;
  /** Of the step after the preparation. */
  readonly nextPosition: number;
}

export interface BuiltTree extends Pick<PlannedTree, 'plan' | 'tools' | 'environment'> {
  readonly isolation: IsolationUsed;
  readonly artifact: PackedArtifact;
  /** Of the step after the pack. */
  readonly nextPosition: number;
}

export interface OwnStep {
  readonly name: string;
  readonly phase: NewStep['phase'];
}

export const packStep = 'Pack';

const own = (position: number, name: string, phase: NewStep['phase']): NewStep => ({
  position,
  name,
  phase,
  command: null,
  idempotent: true,
  evidence: [],
});

/**
 * Checks out, plans and finds the tools. `checkOut` puts the files into the folder that it is given; `around` names the steps that
 * the caller adds before the plan's own and after the pack. Throws the codes of each phase.
 */
export async function planTree(
  run: BuildRun,
  options: {
    readonly checkOut: (target: string) => Promise<void>;
    /** What the steps get beside what the plan itself sets; its secrets are masked in the log from then on. */
    readonly environment: (plan: Plan) => Promise<RepositoryEnvironment>;
    readonly around?: (plan: Plan) => { readonly before: readonly OwnStep[]; readonly after: readonly OwnStep[] };
  },
): Promise<PlannedTree> {
  const source = `${run.workFolder}/tree`;
  await run.recorder.add(
    preparationSteps.map(step => own(step.position, step.name, step.phase)),
    null,
  );
  await options.checkOut(source);
  const plan = await makePlan(run, source);
  const { before, after } = options.around?.(plan) ?? { before: [], after: [] };
  const nextPosition = preparationSteps.length;
  const firstPosition = nextPosition + before.length;
  const packPosition = firstPosition + plan.steps.length;
  await run.recorder.add(
    [
      ...before.map((step, index) => own(nextPosition + index, step.name, step.phase)),
      ...planned(plan, firstPosition),
      own(packPosition, packStep, 'pack'),
      ...after.map((step, index) => own(packPosition + 1 + index, step.name, step.phase)),
    ],
    plan,
  );
  const environment = await options.environment(plan);
  const { isolation, tools } = await prepareTools(run, plan);
  const project = await projectFolder(source, plan);
  return { source, project, plan, tools, isolation, environment, nextPosition };
}

/** Runs the plan's steps from `firstPosition` on, and packs. `variables` are weaker than all others. Throws the codes of each phase. */
export async function runTree(
  run: BuildRun,
  tree: PlannedTree,
  options: { readonly firstPosition: number; readonly variables: Readonly<Record<string, string>> },
): Promise<BuiltTree> {
  const { source, plan, tools, environment } = tree;
  const { firstPosition } = options;
  const variables = { ...options.variables, ...environment.variables };
  await runPlan(run, { ...tree, environment: { ...environment, variables }, firstPosition });
  const position = firstPosition + plan.steps.length;
  // A step may have put a link in its place.
  const artifact = await packArtifact(run, { plan, source: await projectFolder(source, plan), position });
  return { plan, tools, environment, isolation: tree.isolation.used, artifact, nextPosition: position + 1 };
}

/** The absolute path of the plan's root. Throws `plan.nothing_detected` where it is no folder of the checkout itself. */
async function projectFolder(source: string, plan: Plan): Promise<string> {
  const expected = resolve(await realpath(source), plan.root);
  const found = await realpath(expected).catch(() => null);
  if (found === expected) return plan.root === '.' ? source : expected;
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
