/** Owns the answer to "how is this checkout built": its own pipeline file, else detection, else what to do about it. */
import { DomainError } from '../contract/errors.ts';
import type { Plan } from '../contract/plan.ts';
import { detectionRules, detectPlan, rootsBelow } from './detect.ts';
import { openProjectTree, type ProjectTree } from './project-tree.ts';
import { readPipeline } from './read-pipeline.ts';

/** Of more folders than these a message is not read to its end. */
const maxNamedRoots = 8;

/**
 * The plan for the checkout at `root`, an absolute path. Reads files and runs nothing, so it may be repeated.
 *
 * Throws `not_found` where there is no such folder, `pipeline.invalid` for a broken slipway.yml, and
 * `plan.nothing_detected` where neither a file nor detection says what to do; `details.roots` names projects below the root.
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
  throw nothingDetected(tree);
}

function nothingDetected(tree: ProjectTree): DomainError {
  const lookedFor = [...new Set(detectionRules.map(({ tool }) => tool))];
  const roots = rootsBelow(tree);
  const details = { lookedFor, roots };
  if (tree.files.length === 0) {
    const message = 'The repository has no files at this revision, so there is nothing to build; push some.';
    return new DomainError('plan.nothing_detected', message, details);
  }
  if (roots.length > 0) {
    const named = roots.slice(0, maxNamedRoots).map(({ path, tool }) => `${path} (${tool})`);
    const rest = roots.length > named.length ? ` and ${roots.length - named.length} more` : '';
    const message = `The root of the repository says nothing of its build, and there are projects in ${named.join(', ')}${rest}; write a slipway.yml at the root whose steps change into the folder that is meant.`;
    return new DomainError('plan.nothing_detected', message, details);
  }
  const message = `Nothing in the repository says how it is built (looked for ${lookedFor.join(', ')}); write a slipway.yml at its root, with steps and the artifact's paths.`;
  return new DomainError('plan.nothing_detected', message, details);
}
