/** Owns what is left when no language is known: a start line of a Procfile, and shell scripts of the usual names. */
import { type DetectedPlan, detectedPlan, evidenceAt, firstFile, requirement, usualStep } from './detected-plan.ts';
import { type ProjectTree, procfileStart } from './project-tree.ts';

/** A Procfile with a `web` line: nothing is built, and the tree is started as it lies. */
export async function detectProcfile(tree: ProjectTree): Promise<DetectedPlan | null> {
  const start = await procfileStart(tree);
  if (start === null) return null;
  return await detectedPlan(tree, { tool: 'procfile', requirements: [], steps: [], evidence: [] });
}

/** build.sh, test.sh and start.sh at the root; or bare scripts, which are their own artifact. Not on Windows. */
export async function detectShell(tree: ProjectTree): Promise<DetectedPlan | null> {
  if (tree.platform === 'win32') return null;
  const named = (names: readonly string[]) => names.find(name => tree.has(name));
  const build = named(['build.sh', 'scripts/build.sh', 'script/build']);
  const test = named(['test.sh', 'scripts/test.sh', 'script/test', 'run-tests.sh']);
  const start = named(['start.sh', 'run.sh', 'scripts/start.sh']);
  const any = build ?? test ?? start ?? firstFile(tree, /^(?:bin\/|src\/)?[^/]+\.(?:sh|bash|bats)$/);
  if (any === null || any === undefined) return null;
  const steps = [];
  if (build !== undefined)
    steps.push(usualStep('build', await commandOf(tree, build), evidenceAt(build, 'the script that builds')));
  const bats = firstFile(tree, /^(?:tests?\/)?[^/]+\.bats$/);
  if (test !== undefined)
    steps.push(usualStep('test', await commandOf(tree, test), evidenceAt(test, 'the script that tests')));
  else if (bats !== null) {
    const folder = bats.includes('/') ? bats.slice(0, bats.indexOf('/')) : '.';
    steps.push(usualStep('test', `bats ${folder}`, evidenceAt(bats, 'a test of Bats')));
  }
  const project = evidenceAt(any, 'a project of shell scripts');
  return await detectedPlan(tree, {
    tool: 'shell',
    requirements: test === undefined && bats !== null ? [requirement('bats', project)] : [],
    steps,
    start:
      start === undefined
        ? null
        : { start: await commandOf(tree, start), evidence: evidenceAt(start, 'the script that starts') },
    evidence: [project],
  });
}

/** Through the shell of the first line, since commits from Windows lose the mark that makes a file executable. */
async function commandOf(tree: ProjectTree, file: string): Promise<string> {
  const [, shell] = /^#!.*\b(bash|zsh|ksh|dash)\b/.exec((await tree.readText(file, 256)) ?? '') ?? [];
  return `${shell ?? 'sh'} ./${file}`;
}
