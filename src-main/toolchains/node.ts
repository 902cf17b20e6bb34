/** Owns how a Node project is recognised and built: package manager, scripts, and what of the tree a machine needs. */
import type { Evidence, PlanStep, ToolRequirement } from '../contract/plan.ts';
import type { DetectedPlan } from './detected-plan.ts';
import { nodeOutput, nodeServer } from './node-frameworks.ts';
import { type Manager, type Manifest, managerOf, parseManifest, scriptEvidence } from './node-manager.ts';
import { detectedStep, lineOf, type ProjectTree, procfileStart, wholeTree } from './project-tree.ts';

const file = 'package.json';

/** A tree that is another language's project keeps package.json for its linters alone. */
const otherManifests = [
  'requirements.txt',
  'pyproject.toml',
  'setup.py',
  'Makefile',
  'go.mod',
  'Cargo.toml',
  'CMakeLists.txt',
  'meson.build',
];

/**
 * A package.json at the root.
 *
 * Throws `plan.nothing_detected` where it is no JSON object, since every guess after that would be wrong.
 */
export async function detectNode(tree: ProjectTree): Promise<DetectedPlan | null> {
  const text = await tree.readText(file);
  if (text === null) return null;
  const manifest = parseManifest(text);
  if (isToolingOnly(manifest) && otherManifests.some(other => tree.has(other))) return null;
  const manager = managerOf(tree, manifest, text);
  const steps = stepsOf(tree, manifest, manager, text);
  const start = await startOf(tree, manifest, manager, text);
  const output = await nodeOutput(tree, manifest, start?.start ?? null, text);
  return {
    origin: 'detected',
    tool: 'node',
    requirements: requirementsOf(manifest, manager, steps, start?.start ?? null, text),
    steps: output === null ? steps : steps.filter(step => step.phase !== 'package'),
    env: {},
    secrets: [],
    artifact: output?.artifact ?? { include: [...wholeTree.include], exclude: excludedOf(manifest) },
    start: start?.start ?? null,
    health: null,
    evidence: [
      { file, line: 1, reason: 'a Node project has a package.json' },
      ...(start === null ? [] : [start.evidence]),
      ...(output === null ? [] : [output.evidence]),
    ],
  };
}

function isToolingOnly(manifest: Manifest): boolean {
  const { scripts, main, bin, exports } = manifest;
  return !scripts.build && !scripts.start && main === null && bin === undefined && exports === undefined;
}

const has = (names: Record<string, unknown>) => Object.keys(names).length > 0;

function hasRuntimeDependencies(manifest: Manifest): boolean {
  return has(manifest.dependencies) || has(manifest.optionalDependencies) || manifest.workspaces !== undefined;
}

/** Whether an install step is needed: what only builds and tests is not, where there is neither. */
function isInstalled(manifest: Manifest, hasScripts: boolean): boolean {
  const onlyForScripts = has(manifest.devDependencies) || has(manifest.peerDependencies);
  return hasRuntimeDependencies(manifest) || (onlyForScripts && hasScripts);
}

/** The text that `npm init` writes tests nothing and exits 1; nor is there anything to run where the tests were left out. */
function isTestable(tree: ProjectTree, test: string | undefined): boolean {
  if (!test || /no test specified/.test(test)) return false;
  const [, folder] = /(?:^|[\s'"])(?:\.\/)?(tests?|specs?|__tests__)\//.exec(test) ?? [];
  return folder === undefined || tree.files.some(path => path.startsWith(`${folder}/`));
}

function stepsOf(tree: ProjectTree, manifest: Manifest, manager: Manager, text: string): PlanStep[] {
  const steps: PlanStep[] = [];
  const { build, test } = manifest.scripts;
  const member = build ? null : workspaceWith(tree, manifest);
  const hasTests = isTestable(tree, test);
  if (member !== null || isInstalled(manifest, Boolean(build) || hasTests)) {
    const step = { id: 'install', name: 'Install dependencies', phase: 'prepare', run: manager.install } as const;
    steps.push(detectedStep(step, manager.evidence));
  }
  if (build) {
    const step = { id: 'build', name: 'Build', phase: 'build', run: manager.run('build') } as const;
    steps.push(detectedStep(step, scriptEvidence(text, 'build')));
  }
  if (member !== null) {
    const evidence = { file: member, line: 1, reason: 'a workspace; each builds with its own script' };
    steps.push(detectedStep({ id: 'build', name: 'Build', phase: 'build', run: manager.runEach('build') }, evidence));
  }
  if (hasTests) {
    const step = { id: 'test', name: 'Test', phase: 'test', run: manager.run('test') } as const;
    steps.push(detectedStep(step, scriptEvidence(text, 'test')));
  }
  if (manager.prune !== null && has(manifest.devDependencies) && hasRuntimeDependencies(manifest)) {
    const step = { id: 'prune', name: 'Keep runtime dependencies', phase: 'package', run: manager.prune } as const;
    const line = lineOf(text, /"devDependencies"/);
    steps.push(detectedStep(step, { file, line, reason: 'what only the build needs stays off the machines' }));
  }
  return steps;
}

/** The first package of a workspace below the root; null where the root is no workspace. Its scripts are the manager's to read. */
function workspaceWith(tree: ProjectTree, manifest: Manifest): string | null {
  if (manifest.workspaces === undefined && !tree.has('pnpm-workspace.yaml')) return null;
  return tree.files.find(path => path.endsWith('/package.json')) ?? null;
}

function excludedOf(manifest: Manifest): string[] {
  const modules = hasRuntimeDependencies(manifest) ? 'node_modules/.cache' : 'node_modules';
  return [...wholeTree.exclude, modules];
}

async function startOf(
  tree: ProjectTree,
  manifest: Manifest,
  manager: Manager,
  text: string,
): Promise<{ start: string; evidence: Evidence } | null> {
  const procfile = await procfileStart(tree);
  if (procfile !== null) return procfile;
  for (const name of ['start:prod', 'serve:prod', 'start:production']) {
    const script = manifest.scripts[name];
    if (script) return { start: plainNode(script) ?? manager.run(name), evidence: scriptEvidence(text, name) };
  }
  const script = manifest.scripts.start;
  const isDevelopment = script !== undefined && developmentServer.test(script);
  const server = script && !isDevelopment ? null : await nodeServer(tree, manifest, text);
  if (server !== null) return server;
  if (isDevelopment && manifest.scripts.build) return null;
  if (script) {
    // Run without npm in between, so that a signal reaches the program itself.
    const start = plainNode(script) ?? 'npm start';
    return { start, evidence: scriptEvidence(text, 'start') };
  }
  if (tree.has('server.js')) {
    const reason = 'npm start runs server.js where no script says otherwise';
    return { start: 'node server.js', evidence: { file: 'server.js', line: 1, reason } };
  }
  // A published library has a main as well, which is to be imported and not to be run; a private one is an application.
  const main = manifest.main?.replace(/^\.\//, '') ?? '';
  if (!manifest.private || !tree.has(main) || !/^[\w./-]+$/.test(main)) return null;
  const evidence = { file, line: lineOf(text, /"main"/), reason: 'the main file of a private package' };
  return { start: `node ${main}`, evidence };
}

/** What builds again at each change and is no server for a machine; the build's output is served instead. */
const developmentServer =
  /\b(?:react-scripts start|vite(?!\s+preview)\b|ng serve|vue-cli-service serve|nodemon|nest start(?!.*prod)|ts-node-dev|gatsby develop|astro dev|next dev|nuxt dev|remix dev|docusaurus start|webpack(?:-dev-server| serve)|parcel(?! build)|ember serve|eleventy --serve|vitepress dev)\b/;

/** A script that is `node FILE` alone; null for every other. */
function plainNode(script: string): string | null {
  return /^node [\w./-]+$/.test(script) ? script : null;
}

function requirementsOf(
  manifest: Manifest,
  manager: Manager,
  steps: readonly PlanStep[],
  start: string | null,
  text: string,
): ToolRequirement[] {
  const line = lineOf(text, /"engines"/) ?? 1;
  const node = { program: 'node', version: manifest.engines.node, evidence: { file, line, reason: 'runs on Node' } };
  const needsManager = steps.length > 0 || start === 'npm start';
  // A tree of files that runs nothing needs no tool here; the machine that runs it does.
  if (!needsManager) return start === null ? [] : [node];
  return [node, { program: manager.program, version: null, evidence: manager.evidence }];
}
