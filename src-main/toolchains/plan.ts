/** Owns the answer to "how is this checkout built": its own pipeline file, else detection, else what to do about it. */
import { DomainError } from '../contract/errors.ts';
import type { Plan } from '../contract/plan.ts';
import { detectionRules, detectPlan } from './detect.ts';
import { openProjectTree, type ProjectTree } from './project-tree.ts';
import { readPipeline } from './read-pipeline.ts';

/**
 * The plan for the checkout at `root`, an absolute path. Reads files and runs nothing, so it may be repeated.
 *
 * Throws `not_found` where there is no such folder, `pipeline.invalid` for a broken slipway.yml, and
 * `plan.nothing_detected` where neither a file nor detection says what to do.
 */
export async function planFor(root: string): Promise<Plan> {
  const tree = await openProjectTree(root);
  return (await readPipeline(root)) ?? detectedIn(tree);
}

/** The plan that detection makes, whatever a pipeline file says. Throws `not_found` and `plan.nothing_detected`. */
export async function detectedFor(root: string): Promise<Plan> {
  return detectedIn(await openProjectTree(root));
}

async function detectedIn(tree: ProjectTree): Promise<Plan> {
  const plan = await detectPlan(tree);
  if (plan !== null) return plan;
  const looked = detectionRules.map(({ tool }) => tool).join(', ');
  throw new DomainError(
    'plan.nothing_detected',
    tree.files.length === 0
      ? 'The repository has no files at this revision, so there is nothing to build; push some.'
      : `Nothing in the repository says how it is built (looked for ${looked}); write a slipway.yml at its root, with steps and the artifact's paths.`,
    { lookedFor: detectionRules.map(({ tool }) => tool) },
  );
}
