/** Owns how a project with a Makefile is recognised and built: C, C++, assembly, or anything else that make drives. */
import type { Evidence, PlanStep, ToolRequirement } from '../contract/plan.ts';
import type { DetectedPlan } from './detected-plan.ts';
import { detectedStep, lineOf, type ProjectTree, procfileStart, wholeTree } from './project-tree.ts';

/** In the order in which GNU make looks for them. Source: GNU make manual, section 3.2. */
const makefiles = ['GNUmakefile', 'makefile', 'Makefile'];
/** What only the compiler needs again. */
const intermediates = ['**/*.o', '**/*.obj', '**/*.d'];

/** A Makefile at the root, or a configure script that writes one. */
export async function detectMake(tree: ProjectTree): Promise<DetectedPlan | null> {
  const name = makefiles.find(makefile => tree.has(makefile));
  const isConfigured =
    name === undefined && tree.has('configure') && tree.has('Makefile.in') && tree.platform !== 'win32';
  const file = name ?? 'Makefile.in';
  if (name === undefined && !isConfigured) return null;
  const text = (await tree.readText(file)) ?? '';
  const evidence = { file, line: 1, reason: isConfigured ? 'configure writes a Makefile' : 'a Makefile' };
  const steps: PlanStep[] = [];
  if (isConfigured) {
    const step = { id: 'configure', name: 'Configure', phase: 'prepare', run: 'sh ./configure' } as const;
    steps.push(detectedStep(step, { file: 'configure', line: 1, reason: 'writes the Makefile' }));
  }
  steps.push(detectedStep({ id: 'build', name: 'Build', phase: 'build', run: 'make' }, evidence));
  for (const target of ['check', 'test']) {
    const line = lineOf(text, new RegExp(`^${target}\\s*:(?!=)`, 'm'));
    if (line === null) continue;
    const step = { id: 'test', name: 'Test', phase: 'test', run: `make ${target}` } as const;
    steps.push(detectedStep(step, { file, line, reason: `the target ${target}` }));
    break;
  }
  const procfile = await procfileStart(tree);
  return {
    origin: 'detected',
    tool: 'make',
    requirements: [{ program: 'make', version: null, evidence }, ...compilersOf(tree, file, text)],
    steps,
    env: {},
    secrets: [],
    artifact: { include: [...wholeTree.include], exclude: [...wholeTree.exclude, ...intermediates] },
    // What make builds may be a service or a tool that ends at once; only the repository can say.
    start: procfile?.start ?? null,
    health: null,
    evidence: [evidence, ...(procfile === null ? [] : [procfile.evidence])],
  };
}

function compilersOf(tree: ProjectTree, file: string, text: string): ToolRequirement[] {
  const named = /^[ \t]*(?:CC|CXX)\s*:?=/m.test(text);
  const first = (extension: RegExp): Evidence | null => {
    const path = tree.files.find(candidate => extension.test(candidate));
    return path === undefined ? null : { file: path, line: 1, reason: 'a source that make compiles' };
  };
  const requirements: ToolRequirement[] = [];
  const c = first(/\.c$/);
  const cpp = first(/\.(?:cc|cpp|cxx)$/);
  // A Makefile that names its own compiler says best itself when it is missing.
  if (c !== null && !named) requirements.push({ program: 'cc', version: null, evidence: c });
  if (cpp !== null && !named) requirements.push({ program: 'c++', version: null, evidence: cpp });
  const nasmLine = lineOf(text, /\bnasm\b/);
  if (nasmLine !== null) {
    requirements.push({ program: 'nasm', version: null, evidence: { file, line: nasmLine, reason: 'make runs nasm' } });
  }
  return requirements;
}
