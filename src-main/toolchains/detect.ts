/** Owns the order in which languages and tools are tried on a checkout. Each rule lies in a file of its own. */
import type { Evidence, Plan, ProjectRoot } from '../contract/plan.ts';
import { detectAssembly } from './assembly.ts';
import { detectElixir, detectErlang, detectGleam } from './beam.ts';
import { detectMake } from './c-make.ts';
import { detectAutotools, detectCmake, detectMeson } from './c-project.ts';
import { downloadCaches } from './caches.ts';
import { detectDeno } from './deno.ts';
import type { DetectedPlan } from './detected-plan.ts';
import { detectDotnet } from './dotnet.ts';
import { detectGo } from './go.ts';
import { detectHaskell } from './haskell.ts';
import { detectGradle, detectMaven } from './jvm.ts';
import { detectMigrations } from './migrations.ts';
import { detectNode } from './node.ts';
import { detectOcaml } from './ocaml.ts';
import { detectPerl } from './perl.ts';
import { detectPhp } from './php.ts';
import { projectRoots } from './project-roots.ts';
import type { ProjectTree } from './project-tree.ts';
import { detectPython } from './python.ts';
import { detectRuby } from './ruby.ts';
import { detectRust } from './rust.ts';
import { detectProcfile, detectShell } from './shell.ts';
import { detectGeneratedSite } from './site-generators.ts';
import { statedVersions, withStatedVersions } from './stated-versions.ts';
import { detectStaticSite } from './static-site.ts';
import { detectSwift } from './swift.ts';
import { detectZig } from './zig.ts';

export interface DetectionRule {
  readonly tool: string;
  detect(tree: ProjectTree): Promise<DetectedPlan | null>;
}

/**
 * From the most telling marker to the least. A go.mod or mix.exs says what the repository is, while package.json often
 * stands beside it for the web pages or the linters; so does a Gemfile, whose rule builds those pages itself. Node comes before
 * Python, and yields by itself where its file holds tooling alone. A Makefile is in many repositories a list of shortcuts for
 * the tools above, so it comes after them; bare assembly, scripts and web pages have no manifest at all and come last.
 */
export const detectionRules: readonly DetectionRule[] = [
  { tool: 'go', detect: detectGo },
  { tool: 'rust', detect: detectRust },
  { tool: 'gleam', detect: detectGleam },
  { tool: 'elixir', detect: detectElixir },
  { tool: 'erlang', detect: detectErlang },
  { tool: 'gradle', detect: detectGradle },
  { tool: 'maven', detect: detectMaven },
  { tool: 'dotnet', detect: detectDotnet },
  { tool: 'swift', detect: detectSwift },
  { tool: 'zig', detect: detectZig },
  { tool: 'haskell', detect: detectHaskell },
  { tool: 'ocaml', detect: detectOcaml },
  { tool: 'php', detect: detectPhp },
  { tool: 'ruby', detect: detectRuby },
  { tool: 'deno', detect: detectDeno },
  { tool: 'python', detect: async tree => (tree.has('manage.py') ? await detectPython(tree) : null) },
  { tool: 'node', detect: detectNode },
  { tool: 'python', detect: detectPython },
  { tool: 'hugo, zola, mdbook, mkdocs', detect: detectGeneratedSite },
  { tool: 'meson', detect: detectMeson },
  { tool: 'cmake', detect: detectCmake },
  { tool: 'perl', detect: detectPerl },
  { tool: 'make', detect: detectMake },
  { tool: 'autotools', detect: detectAutotools },
  { tool: 'nasm, gas, masm, fasm', detect: detectAssembly },
  { tool: 'Procfile', detect: detectProcfile },
  { tool: 'shell', detect: async tree => (tree.has('index.html') ? null : await detectShell(tree)) },
  { tool: 'static', detect: detectStaticSite },
];

/** The plan of the first rule that knows the tree; null where none does. Reads files, runs nothing. */
export async function detectPlan(tree: ProjectTree): Promise<Plan | null> {
  for (const rule of detectionRules) {
    const plan = await rule.detect(tree);
    if (plan === null) continue;
    const migrations = await detectMigrations(tree, plan);
    const requirements = withStatedVersions(plan.requirements, await statedVersions(tree));
    const roots = projectRoots(tree, plan.tool, await isWorkspace(tree, plan));
    return {
      ...plan,
      root: '.',
      evidence: [...plan.evidence, ...limitEvidence(tree)],
      requirements,
      migrations,
      roots,
      caches: downloadCaches(tree, plan),
      reusesResults: true,
    };
  }
  return null;
}

/** Says where the plan does not rest on the whole tree. */
function limitEvidence({ limit }: ProjectTree): Evidence[] {
  return limit === null ? [] : [{ file: '.', line: null, reason: `the tree is large: ${limit}` }];
}

/** The projects below a root that has no plan itself. */
export function rootsBelow(tree: ProjectTree): ProjectRoot[] {
  return projectRoots(tree, null, false);
}

async function isWorkspace(tree: ProjectTree, plan: DetectedPlan): Promise<boolean> {
  if (plan.tool === 'go') return tree.has('go.work');
  if (plan.tool === 'deno') return /"workspaces?"/.test((await tree.readText('deno.json')) ?? '');
  if (plan.tool === 'python') return /^\[tool\.uv\.workspace\]/m.test((await tree.readText('pyproject.toml')) ?? '');
  if (plan.tool !== 'node') return false;
  return tree.has('pnpm-workspace.yaml') || /"workspaces"\s*:/.test((await tree.readText('package.json')) ?? '');
}
