/** Owns a build from its checkout to its pack, the same for a job of an installation and for a command without one. */
import type { Plan } from '../contract/plan.ts';
import type { NewStep } from '../queue/attempt.ts';
import type { ResolvedTools } from '../toolchains/resolve-tools.ts';
import type { BuildRun } from './attempt-run.ts';
import type { RepositoryEnvironment } from './environment.ts';
import { findTools, makePlan, preparationSteps } from './prepare.ts';
import { type PackedArtifact, packArtifact } from './publish.ts';
import { runPlan } from './run-plan.ts';

/** A tree that is checked out, with all that is decided before its first step. */
export interface PlannedTree {
  readonly source: string;
  readonly plan: Plan;
  readonly tools: ResolvedTools;
  readonly environment: RepositoryEnvironment;
  /** Of the step after the preparation. */
  readonly nextPosition: number;
}

export interface BuiltTree extends Omit<PlannedTree, 'source'> {
  readonly artifact: PackedArtifact;
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
  const tools = await findTools(run, plan);
  return { source, plan, tools, environment, nextPosition };
}

/** Runs the plan's steps from `firstPosition` on, and packs. `variables` are weaker than all others. Throws the codes of each phase. */
export async function runTree(
  run: BuildRun,
  tree: PlannedTree,
  options: { readonly firstPosition: number; readonly variables: Readonly<Record<string, string>> },
): Promise<BuiltTree> {
  const { source, ...built } = tree;
  const { plan, tools, environment } = tree;
  const { firstPosition } = options;
  const variables = { ...options.variables, ...environment.variables };
  await runPlan(run, {
    plan,
    environment: { ...environment, variables },
    source,
    pathEntries: tools.pathEntries,
    firstPosition,
  });
  const position = firstPosition + plan.steps.length;
  const artifact = await packArtifact(run, { plan, source, position });
  return { ...built, artifact, nextPosition: position + 1 };
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
