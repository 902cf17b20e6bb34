/** Owns how a Haskell project is recognised and built: Stack where it has its file, else Cabal. Programs go to bin/. */
import {
  type DetectedPlan,
  detectedPlan,
  evidenceAt,
  firstFile,
  requirement,
  type Start,
  usualStep,
} from './detected-plan.ts';
import type { ProjectTree } from './project-tree.ts';

/** A stack.yaml, cabal.project, package.yaml or .cabal file at the root. */
export async function detectHaskell(tree: ProjectTree): Promise<DetectedPlan | null> {
  const cabal = firstFile(tree, /^[^/]+\.cabal$/);
  const file = ['stack.yaml', 'cabal.project', 'package.yaml'].find(name => tree.has(name)) ?? cabal;
  if (file === null || file === undefined) return null;
  const description = cabal ?? (tree.has('package.yaml') ? 'package.yaml' : file);
  const text = (await tree.readText(description)) ?? '';
  if (file === 'package.yaml' && !/^(?:name|library|executables?|ghc-options|dependencies):/m.test(text)) return null;
  const isStack = file === 'stack.yaml';
  const project = evidenceAt(file, `a project of ${isStack ? 'Stack' : 'Cabal'}`);
  const folder = tree.platform === 'win32' ? '(if not exist bin mkdir bin)' : 'mkdir -p bin';
  const hasProgram = /^[ \t]*executables?\b/im.test(text);
  const build = isStack
    ? hasProgram
      ? 'stack build --copy-bins --local-bin-path bin'
      : 'stack build'
    : hasProgram
      ? 'cabal install exe:all --install-method=copy --overwrite-policy=always --installdir=bin'
      : 'cabal build all';
  const steps = [
    ...(isStack ? [] : [usualStep('install', 'cabal update', project)]),
    usualStep('build', hasProgram ? `${folder} && ${build}` : build, project),
  ];
  const tests = /^[ \t]*(?:test-suite\b|tests:)/im;
  if (tests.test(text)) {
    steps.push(
      usualStep(
        'test',
        isStack ? 'stack test' : 'cabal test all',
        evidenceAt(description, 'a test suite', text, tests),
      ),
    );
  }
  const names = [...text.matchAll(/^executable\s+([\w-]+)/gim)].flatMap(([, name]) => name ?? []);
  const [name, second] = names;
  const server = /\b(?:warp|servant-server|yesod|scotty|snap-server|ihp)\b/;
  const start: Start | null =
    name !== undefined && second === undefined && server.test(text)
      ? {
          start: `./bin/${name}`,
          evidence: evidenceAt(description, 'the one program that serves requests', text, server),
        }
      : null;
  return await detectedPlan(tree, {
    tool: 'haskell',
    requirements: isStack
      ? [requirement('stack', project)]
      : [requirement('ghc', project), requirement('cabal', project)],
    steps,
    ...(hasProgram ? { include: ['bin'] } : { exclude: ['dist-newstyle', '.stack-work'] }),
    start,
    evidence: [project],
  });
}
