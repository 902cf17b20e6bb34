/** Owns how a folder of finished web pages is recognised: it is the artifact as it lies. */
import type { DetectedPlan } from './detected-plan.ts';
import { type ProjectTree, wholeTree } from './project-tree.ts';

/** Where finished pages lie by custom; the root first, since a page there links to the rest. */
const folders = ['', 'public/', 'dist/', '_site/', 'site/', 'www/', 'docs/'];

/** An index.html at the root or in one of the usual folders. */
export async function detectStaticSite(tree: ProjectTree): Promise<DetectedPlan | null> {
  const folder = folders.find(candidate => tree.has(`${candidate}index.html`));
  if (folder === undefined) return null;
  return {
    origin: 'detected',
    tool: 'static',
    requirements: [],
    steps: [],
    env: {},
    secrets: [],
    artifact:
      folder === ''
        ? { include: [...wholeTree.include], exclude: [...wholeTree.exclude, '.github'] }
        : { include: [folder.slice(0, -1)], exclude: [] },
    start: null,
    health: null,
    evidence: [{ file: `${folder}index.html`, line: 1, reason: 'web pages that need no build' }],
  };
}
