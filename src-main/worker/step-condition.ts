/** Owns whether a step runs for this branch and these changes. */
import { compilePathPattern } from '../artifacts/path-pattern.ts';
import type { StepCondition } from '../contract/plan.ts';
import type { BuildRun } from './attempt-run.ts';

/** Why the step is left out; null where it runs. Throws `input.invalid` for a glob that cannot be read, and `git.*`. */
export async function whyLeftOut(
  when: StepCondition | undefined,
  run: Pick<BuildRun, 'branch' | 'changedPaths'>,
): Promise<string | null> {
  if (when?.branches !== undefined) {
    const { branch } = run;
    const patterns = when.branches.map(compilePathPattern);
    const wanted = when.branches.join(', ');
    if (branch === null) return `left out: it runs on ${wanted}, and this tree is on no branch`;
    if (!patterns.some(pattern => pattern.matches(branch))) return `left out: it runs on ${wanted}, not on ${branch}`;
  }
  if (when?.paths !== undefined) {
    const patterns = when.paths.map(compilePathPattern);
    const changed = await run.changedPaths();
    if (changed !== null && !changed.some(path => patterns.some(pattern => names(pattern, path)))) {
      return `left out: nothing changed in ${when.paths.join(', ')} since the last build`;
    }
  }
  return null;
}

/** A pattern that names a folder names what lies below it. */
function names(pattern: ReturnType<typeof compilePathPattern>, path: string): boolean {
  const parts = path.split('/');
  return parts.some((_, index) => pattern.matches(parts.slice(0, index + 1).join('/')));
}
