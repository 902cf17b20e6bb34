/** Owns how a plan of one folder is told from a folder above it: its root and the places of its evidence. */
import type { Evidence, Plan, PlanStep } from '../contract/plan.ts';

/** The same plan, with `folder` before its root, its further roots, and every file of its evidence. */
export function planBelow(plan: Plan, folder: string): Plan {
  if (folder === '.') return plan;
  const inside = (path: string) => (path === '.' ? folder : `${folder}/${path}`);
  const moved = (evidence: Evidence): Evidence => ({ ...evidence, file: inside(evidence.file) });
  const movedStep = (step: PlanStep): PlanStep => ({ ...step, evidence: step.evidence.map(moved) });
  return {
    ...plan,
    root: inside(plan.root),
    requirements: plan.requirements.map(tool => ({ ...tool, evidence: moved(tool.evidence) })),
    steps: plan.steps.map(movedStep),
    migrations: plan.migrations.map(movedStep),
    roots: plan.roots.map(root => ({ ...root, path: inside(root.path), evidence: moved(root.evidence) })),
    evidence: plan.evidence.map(moved),
  };
}
