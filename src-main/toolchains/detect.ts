/** Owns the order in which languages and tools are tried on a checkout. Each rule lies in a file of its own. */
import type { Plan } from '../contract/plan.ts';
import { detectMake } from './c-make.ts';
import { detectGo } from './go.ts';
import { detectNasm } from './nasm.ts';
import { detectNode } from './node.ts';
import type { ProjectTree } from './project-tree.ts';
import { detectPython } from './python.ts';
import { detectRust } from './rust.ts';
import { detectStaticSite } from './static-site.ts';

export interface DetectionRule {
  readonly tool: string;
  detect(tree: ProjectTree): Promise<Plan | null>;
}

/**
 * From the most telling marker to the least. A go.mod or Cargo.toml says what the repository is, while package.json
 * often stands beside it for the web pages or the linters. Node comes before Python, and yields by itself where its file
 * holds tooling alone. A Makefile is in many repositories a list of shortcuts for the tools above, so it comes after
 * them; bare assembly and bare web pages have no manifest at all and come last.
 */
export const detectionRules: readonly DetectionRule[] = [
  { tool: 'go', detect: detectGo },
  { tool: 'rust', detect: detectRust },
  { tool: 'node', detect: detectNode },
  { tool: 'python', detect: detectPython },
  { tool: 'make', detect: detectMake },
  { tool: 'nasm', detect: detectNasm },
  { tool: 'static', detect: detectStaticSite },
];

/** The plan of the first rule that knows the tree; null where none does. Reads files, runs nothing. */
export async function detectPlan(tree: ProjectTree): Promise<Plan | null> {
  for (const rule of detectionRules) {
    const plan = await rule.detect(tree);
    if (plan !== null) return plan;
  }
  return null;
}
