/** Owns what the rules of detection share when they write a plan down: evidence, requirements, steps, and the rest by default. */
import type { Evidence, Phase, Plan, PlanStep, ToolRequirement } from '../contract/plan.ts';
import { detectedStep, lineOf, type ProjectTree, procfileStart, wholeTree } from './project-tree.ts';

/** What one rule finds; migrations, further roots and caches are looked for apart from the language. */
export type DetectedPlan = Omit<Plan, 'migrations' | 'roots' | 'root' | 'caches' | 'reusesResults'>;

export interface Start {
  readonly start: string;
  readonly evidence: Evidence;
}

const usualSteps: Readonly<Record<string, { readonly name: string; readonly phase: Phase }>> = {
  install: { name: 'Install dependencies', phase: 'prepare' },
  configure: { name: 'Configure', phase: 'prepare' },
  build: { name: 'Build', phase: 'build' },
  assets: { name: 'Build assets', phase: 'build' },
  test: { name: 'Test', phase: 'test' },
  package: { name: 'Package', phase: 'package' },
};

/** A step under one of the usual ids, with the name and the phase that such a step has in every language. */
export function usualStep(id: string, run: string, ...evidence: Evidence[]): PlanStep {
  return detectedStep({ id, run, ...(usualSteps[id] ?? { name: id, phase: 'build' }) }, ...evidence);
}

/** Evidence at the first line of a file, or at the line where `pattern` is first found in `text`. */
export function evidenceAt(file: string, reason: string, text = '', pattern: RegExp | null = null): Evidence {
  return { file, line: (pattern === null ? null : lineOf(text, pattern)) ?? 1, reason };
}

export function requirement(program: string, evidence: Evidence, version: string | null = null): ToolRequirement {
  return { program, version, evidence };
}

/** The first path of the tree that matches; null where none does. */
export function firstFile(tree: ProjectTree, pattern: RegExp): string | null {
  return tree.files.find(path => pattern.test(path)) ?? null;
}

/** A whole plan of what a rule found. Start and its evidence come from the Procfile where there is one. */
export async function detectedPlan(
  tree: ProjectTree,
  parts: Pick<DetectedPlan, 'tool' | 'requirements' | 'steps' | 'evidence'> & {
    readonly env?: Record<string, string>;
    readonly include?: readonly string[];
    readonly exclude?: readonly string[];
    readonly start?: Start | null;
  },
): Promise<DetectedPlan> {
  const { include = [], exclude = [] } = parts;
  const start = (await procfileStart(tree)) ?? parts.start ?? null;
  return {
    origin: 'detected',
    tool: parts.tool,
    requirements: parts.requirements,
    steps: parts.steps,
    env: parts.env ?? {},
    secrets: [],
    artifact:
      include.length === 0
        ? { include: [...wholeTree.include], exclude: [...wholeTree.exclude, ...exclude] }
        : { include: [...include], exclude: [...exclude] },
    start: start?.start ?? null,
    health: null,
    evidence: [...parts.evidence, ...(start === null ? [] : [start.evidence])],
  };
}
