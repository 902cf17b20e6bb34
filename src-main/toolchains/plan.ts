/** Owns the answer to "how is this checkout built": its own pipeline file, else detection, else what to do about it. */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '../contract/errors.ts';
import type { Plan, ProjectRoot } from '../contract/plan.ts';
import { detectionRules, detectPlan, rootsBelow } from './detect.ts';
import { type Found, planOfPipeline } from './pipeline-plan.ts';
import { planBelow } from './plan-below.ts';
import { openProjectTree, type ProjectTree } from './project-tree.ts';
import { invalid, type ReadPipeline, readPipeline } from './read-pipeline.ts';
import { statedVersions } from './stated-versions.ts';

/** Of more folders than these a message is not read to its end. */
const maxNamedRoots = 8;

/**
 * The plan for the checkout at `root`, an absolute path. Reads files and runs nothing, so it may be repeated. Where the root says
 * nothing and there is one project below it, that project is planned, and `Plan.root` names its folder.
 *
 * Throws `not_found` where there is no such folder, `pipeline.invalid` for a broken slipway.yml, and
 * `plan.nothing_detected` where neither a file nor detection says what to do; `details.roots` names projects below the root.
 */
export async function planFor(root: string): Promise<Plan> {
  const tree = await openProjectTree(root);
  const plan = await planOwn(root, tree);
  if (plan !== null) return plan;
  return await planLone(root, tree, planOwn);
}

/** The plan that detection makes, whatever a pipeline file says. Throws `not_found` and `plan.nothing_detected`. */
export async function detectedFor(root: string): Promise<Plan> {
  const tree = await openProjectTree(root);
  return (await detectPlan(tree)) ?? (await planLone(root, tree, (_root, below) => detectPlan(below)));
}

async function planOwn(root: string, tree: ProjectTree): Promise<Plan | null> {
  const read = await readPipeline(root);
  return read === null ? await detectPlan(tree) : planOfPipeline(read, await foundFor(read, root, tree));
}

/** What detection says of the folder that the file means. A project that only the file can build is no error here. */
async function foundFor(read: ReadPipeline, root: string, tree: ProjectTree): Promise<Found> {
  const folder = read.pipeline.root ?? '.';
  const below = folder === '.' ? tree : await openProjectTree(await folderOf(read, root, folder));
  const stated = await statedVersions(below, folder);
  try {
    const plan = await detectPlan(below);
    if (plan !== null) {
      const moved = planBelow(plan, folder);
      return { plan: moved, migrations: moved.migrations, roots: moved.roots, stated };
    }
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
  }
  return { plan: null, migrations: [], roots: folder === '.' ? rootsBelow(tree) : [], stated };
}

/** The absolute path of a folder that the file names. A link is refused: it may lead out of the checkout. */
async function folderOf({ file, parsed }: ReadPipeline, root: string, folder: string): Promise<string> {
  let path = root;
  for (const part of folder.split('/')) {
    path = join(path, part);
    const facts = await lstat(path).catch(() => null);
    if (facts?.isDirectory() === true) continue;
    const what = facts === null ? 'there is no such folder' : 'it is no folder of the repository, or a link';
    throw invalid(file, [{ ...parsed.positionOf(['root']), message: `root: ${folder}: ${what}` }]);
  }
  return path;
}

/** The plan of the only project below a root that says nothing itself. Throws `plan.nothing_detected`. */
async function planLone(
  root: string,
  tree: ProjectTree,
  planIn: (root: string, tree: ProjectTree) => Promise<Plan | null>,
): Promise<Plan> {
  const roots = rootsBelow(tree);
  const outermost = roots.filter(({ path }) => !roots.some(other => path.startsWith(`${other.path}/`)));
  const [only, second] = outermost;
  if (only === undefined || second !== undefined) throw nothingDetected(tree, roots);
  const folder = join(root, only.path);
  const plan = await planIn(folder, await openProjectTree(folder));
  if (plan === null) throw nothingDetected(tree, roots);
  const reason = `the only project of the repository lies in ${only.path}, and the root says nothing of its build`;
  const below = planBelow(plan, only.path);
  return { ...below, evidence: [{ ...only.evidence, reason }, ...below.evidence] };
}

function nothingDetected(tree: ProjectTree, roots: readonly ProjectRoot[]): DomainError {
  const lookedFor = [...new Set(detectionRules.map(({ tool }) => tool))];
  const details = { lookedFor, roots };
  if (tree.files.length === 0) {
    const message = 'The repository has no files at this revision, so there is nothing to build; push some.';
    return new DomainError('plan.nothing_detected', message, details);
  }
  const [first] = roots;
  if (first !== undefined) {
    const named = roots.slice(0, maxNamedRoots).map(({ path, tool }) => `${path} (${tool})`);
    const rest = roots.length > named.length ? ` and ${roots.length - named.length} more` : '';
    const message = `The root of the repository says nothing of its build, and there are projects in ${named.join(', ')}${rest}; write a slipway.yml at the root that names the one that is meant, such as "root: ${first.path}".`;
    return new DomainError('plan.nothing_detected', message, details);
  }
  const message = `Nothing in the repository says how it is built (looked for ${lookedFor.join(', ')}); write a slipway.yml at its root, with steps and the artifact's paths.`;
  return new DomainError('plan.nothing_detected', message, details);
}
