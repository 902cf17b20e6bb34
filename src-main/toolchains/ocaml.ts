/** Owns how an OCaml project of dune is recognised and built. */
import { type DetectedPlan, detectedPlan, evidenceAt, firstFile, requirement, usualStep } from './detected-plan.ts';
import type { ProjectTree } from './project-tree.ts';

/** A dune-project at the root. With an opam file, opam installs the dependencies and runs dune in its environment. */
export async function detectOcaml(tree: ProjectTree): Promise<DetectedPlan | null> {
  const file = 'dune-project';
  const text = await tree.readText(file);
  if (text === null) return null;
  const project = evidenceAt(file, 'a project of dune', text, /\(lang\s+dune/);
  const opam = firstFile(tree, /^[^/]+\.opam$/);
  const dune = opam === null ? 'dune' : 'opam exec -- dune';
  const steps = [usualStep('build', `${dune} build --profile release`, project)];
  if (opam !== null) {
    steps.unshift(
      usualStep(
        'install',
        'opam install . --deps-only --with-test --yes',
        evidenceAt(opam, 'lists what the project needs'),
      ),
    );
  }
  const test = firstFile(tree, /^tests?\/(?:.+\/)?dune$/);
  if (test !== null) steps.push(usualStep('test', `${dune} runtest`, evidenceAt(test, 'tests of dune')));
  return await detectedPlan(tree, {
    tool: 'ocaml',
    requirements: [
      ...(opam === null
        ? [requirement('ocaml', project)]
        : [requirement('opam', evidenceAt(opam, 'opam installs the dependencies'))]),
      ...(opam === null ? [requirement('dune', project, /\(lang\s+dune\s+([\d.]+)\)/.exec(text)?.[1] ?? null)] : []),
    ],
    steps,
    include: ['_build/default'],
    exclude: ['**/.*.objs', '**/*.o', '**/*.ml', '**/*.mli'],
    evidence: [project],
  });
}
