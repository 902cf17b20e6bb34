/** Owns how a Zig project is recognised and built: what it installs goes to zig-out. */
import { type DetectedPlan, detectedPlan, evidenceAt, requirement, usualStep } from './detected-plan.ts';
import { lineOf, type ProjectTree } from './project-tree.ts';

/** A build.zig at the root. Not started: only the repository can say whether its program serves or ends at once. */
export async function detectZig(tree: ProjectTree): Promise<DetectedPlan | null> {
  const file = 'build.zig';
  const text = await tree.readText(file);
  if (text === null) return null;
  const project = evidenceAt(file, 'a project of Zig', text, /\bpub fn build\b/);
  const steps = [usualStep('build', 'zig build -Doptimize=ReleaseSafe', project)];
  const test = /\bb\.step\(\s*"test"/;
  if (lineOf(text, test) !== null) {
    steps.push(usualStep('test', 'zig build test', evidenceAt(file, 'the step "test"', text, test)));
  }
  const version = /\.minimum_zig_version\s*=\s*"([^"]+)"/.exec((await tree.readText('build.zig.zon')) ?? '')?.[1];
  return await detectedPlan(tree, {
    tool: 'zig',
    requirements: [requirement('zig', project, version ?? null)],
    steps,
    include: ['zig-out'],
    evidence: [project],
  });
}
