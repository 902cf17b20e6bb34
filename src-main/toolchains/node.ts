/** Owns how a Node project is recognised and built: package manager, scripts, and what of the tree a machine needs. */
import { z } from 'zod';
import { DomainError, messageOf } from '../contract/errors.ts';
import type { Evidence, Plan, PlanStep, ToolRequirement } from '../contract/plan.ts';
import { detectedStep, lineOf, type ProjectTree, procfileStart, wholeTree } from './project-tree.ts';

const file = 'package.json';

/** What a package.json of any age may hold; a field of another shape is as good as absent. */
const namesSchema = z.record(z.string(), z.unknown()).catch({});
const manifestSchema = z.object({
  private: z.boolean().catch(false),
  main: z.string().nullable().catch(null),
  scripts: z.record(z.string(), z.string().catch('')).catch({}),
  dependencies: namesSchema,
  devDependencies: namesSchema,
  optionalDependencies: namesSchema,
  peerDependencies: namesSchema,
  engines: z.object({ node: z.string().nullable().catch(null) }).catch({ node: null }),
  packageManager: z.string().catch(''),
  workspaces: z.unknown().optional(),
  bin: z.unknown().optional(),
  exports: z.unknown().optional(),
});
type Manifest = z.infer<typeof manifestSchema>;

interface Manager {
  readonly program: 'npm' | 'pnpm' | 'yarn' | 'bun';
  readonly install: string;
  readonly run: (script: string) => string;
  readonly prune: string | null;
  readonly evidence: Evidence;
}

/** A tree that is another language's project keeps package.json for its linters alone. */
const otherManifests = ['requirements.txt', 'pyproject.toml', 'setup.py', 'Makefile', 'go.mod', 'Cargo.toml'];

/**
 * A package.json at the root.
 *
 * Throws `plan.nothing_detected` where it is no JSON object, since every guess after that would be wrong.
 */
export async function detectNode(tree: ProjectTree): Promise<Plan | null> {
  const text = await tree.readText(file);
  if (text === null) return null;
  const manifest = parseManifest(text);
  if (isToolingOnly(manifest) && otherManifests.some(other => tree.has(other))) return null;
  const manager = managerOf(tree, manifest, text);
  const steps = stepsOf(tree, manifest, manager, text);
  const start = await startOf(tree, manifest, text);
  const output = await staticOutput(tree, manifest, start === null, text);
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

function parseManifest(text: string): Manifest {
  const refuse = (reason: string) =>
    new DomainError(
      'plan.nothing_detected',
      `${file} cannot be read as JSON (${reason}); correct it, or write a slipway.yml that says how to build.`,
      { file },
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refuse(messageOf(error));
  }
  const result = manifestSchema.safeParse(value);
  if (!result.success) throw refuse('it is not an object');
  return result.data;
}

function isToolingOnly(manifest: Manifest): boolean {
  const { scripts, main, bin, exports } = manifest;
  return !scripts.build && !scripts.start && main === null && bin === undefined && exports === undefined;
}

function managerOf(tree: ProjectTree, manifest: Manifest, text: string): Manager {
  const lockfiles = [
    { program: 'pnpm', lockfile: 'pnpm-lock.yaml' },
    { program: 'yarn', lockfile: 'yarn.lock' },
    { program: 'bun', lockfile: 'bun.lock' },
    { program: 'bun', lockfile: 'bun.lockb' },
    { program: 'npm', lockfile: 'package-lock.json' },
    { program: 'npm', lockfile: 'npm-shrinkwrap.json' },
  ] as const;
  const [, named] = /^(npm|pnpm|yarn|bun)@/.exec(manifest.packageManager) ?? [];
  const present = lockfiles.filter(({ lockfile }) => tree.has(lockfile));
  const locked = present.find(({ program }) => program === named) ?? (named === undefined ? present[0] : undefined);
  const evidence = locked
    ? { file: locked.lockfile, line: 1, reason: `a lock file of ${locked.program}` }
    : named === undefined
      ? { file, line: 1, reason: 'no lock file, so npm' }
      : { file, line: lineOf(text, /"packageManager"/), reason: `packageManager names ${named}` };
  const modernYarn = tree.has('.yarnrc.yml') || /^yarn@[2-9]/.test(manifest.packageManager);
  switch (locked?.program ?? named) {
    case 'pnpm':
      return {
        program: 'pnpm',
        install: locked ? 'pnpm install --frozen-lockfile' : 'pnpm install',
        run: script => `pnpm run ${script}`,
        prune: 'pnpm prune --prod --ignore-scripts',
        evidence,
      };
    case 'yarn':
      return {
        program: 'yarn',
        install: `yarn install${locked ? (modernYarn ? ' --immutable' : ' --frozen-lockfile') : ''}`,
        run: script => `yarn run ${script}`,
        // Yarn has no command that only takes away; what it leaves is larger, not wrong.
        prune: null,
        evidence,
      };
    case 'bun':
      return {
        program: 'bun',
        install: locked ? 'bun install --frozen-lockfile' : 'bun install',
        run: script => `bun run ${script}`,
        prune: null,
        evidence,
      };
    default:
      return {
        program: 'npm',
        install: locked ? 'npm ci --no-audit --no-fund' : 'npm install --no-audit --no-fund',
        run: script => (script === 'test' ? 'npm test' : `npm run ${script}`),
        prune: 'npm prune --omit=dev --ignore-scripts --no-audit --no-fund',
        evidence,
      };
  }
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

function scriptEvidence(text: string, script: string): Evidence {
  const scriptsLine = lineOf(text, /"scripts"\s*:/) ?? 1;
  const below = text
    .split('\n')
    .slice(scriptsLine - 1)
    .join('\n');
  const line = lineOf(below, new RegExp(`"${script}"\\s*:`));
  return { file, line: line === null ? scriptsLine : scriptsLine - 1 + line, reason: `the script "${script}"` };
}

function stepsOf(tree: ProjectTree, manifest: Manifest, manager: Manager, text: string): PlanStep[] {
  const steps: PlanStep[] = [];
  const { build, test } = manifest.scripts;
  const hasTests = isTestable(tree, test);
  if (isInstalled(manifest, Boolean(build) || hasTests)) {
    const step = { id: 'install', name: 'Install dependencies', phase: 'prepare', run: manager.install } as const;
    steps.push(detectedStep(step, manager.evidence));
  }
  if (build) {
    const step = { id: 'build', name: 'Build', phase: 'build', run: manager.run('build') } as const;
    steps.push(detectedStep(step, scriptEvidence(text, 'build')));
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

function excludedOf(manifest: Manifest): string[] {
  const modules = hasRuntimeDependencies(manifest) ? 'node_modules/.cache' : 'node_modules';
  return [...wholeTree.exclude, modules];
}

async function startOf(
  tree: ProjectTree,
  manifest: Manifest,
  text: string,
): Promise<{ start: string; evidence: Evidence } | null> {
  const procfile = await procfileStart(tree);
  if (procfile !== null) return procfile;
  const script = manifest.scripts.start;
  if (script) {
    // Run without npm in between, so that a signal reaches the program itself.
    const start = /^node [\w./-]+$/.test(script) ? script : 'npm start';
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

/** Bundlers that build a site into one folder by default, when nothing is started. */
const bundlers = [
  { name: 'react-scripts', command: /react-scripts build/, folder: 'build', configures: /BUILD_PATH/ },
  { name: 'vite', command: /\bvite build\b/, folder: 'dist', configures: /\boutDir\b|--outDir/ },
  { name: 'astro', command: /\bastro build\b/, folder: 'dist', configures: /\boutDir\b|--outDir/ },
  { name: 'parcel', command: /\bparcel build\b/, folder: 'dist', configures: /--dist-dir|"distDir"/ },
] as const;

async function staticOutput(
  tree: ProjectTree,
  manifest: Manifest,
  isUnstarted: boolean,
  text: string,
): Promise<{ artifact: Plan['artifact']; evidence: Evidence } | null> {
  const build = manifest.scripts.build;
  if (!build || !isUnstarted) return null;
  const bundler = bundlers.find(({ command }) => command.test(build));
  if (bundler === undefined) return null;
  const configurations = tree.files.filter(path => /^(vite|astro)\.config\.[cm]?[jt]s$/.test(path));
  for (const source of [text, ...(await Promise.all(configurations.map(path => tree.readText(path))))]) {
    if (bundler.configures.test(source ?? '')) return null;
  }
  const reason = `${bundler.name} builds into ${bundler.folder}`;
  return {
    artifact: { include: [bundler.folder], exclude: [] },
    evidence: { ...scriptEvidence(text, 'build'), reason },
  };
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
