/** Owns the package manager of a Node project: which one it is, its commands, and what package.json says. */
import { z } from 'zod';
import { DomainError, messageOf } from '../contract/errors.ts';
import type { Evidence, PlanStep, ToolRequirement } from '../contract/plan.ts';
import { requirement, usualStep } from './detected-plan.ts';
import { lineOf, type ProjectTree } from './project-tree.ts';

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
export type Manifest = z.infer<typeof manifestSchema>;

export interface Manager {
  readonly program: 'npm' | 'pnpm' | 'yarn' | 'bun';
  readonly install: string;
  readonly run: (script: string) => string;
  /** Runs the script in every workspace that has it. */
  readonly runEach: (script: string) => string;
  /** Runs a program of the dependencies. */
  readonly exec: (command: string) => string;
  readonly prune: string | null;
  readonly evidence: Evidence;
}

/**
 * What package.json says.
 *
 * Throws `plan.nothing_detected` where it is no JSON object, since every guess after that would be wrong.
 */
export function parseManifest(text: string): Manifest {
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

export function managerOf(tree: ProjectTree, manifest: Manifest, text: string): Manager {
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
        runEach: script => `pnpm --recursive --if-present run ${script}`,
        exec: command => `pnpm exec ${command}`,
        prune: 'pnpm prune --prod --ignore-scripts',
        evidence,
      };
    case 'yarn':
      return {
        program: 'yarn',
        install: `yarn install${locked ? (modernYarn ? ' --immutable' : ' --frozen-lockfile') : ''}`,
        run: script => `yarn run ${script}`,
        runEach: script =>
          modernYarn ? `yarn workspaces foreach --all --topological run ${script}` : `yarn workspaces run ${script}`,
        exec: command => `yarn run ${command}`,
        // Yarn has no command that only takes away; what it leaves is larger, not wrong.
        prune: null,
        evidence,
      };
    case 'bun':
      return {
        program: 'bun',
        install: locked ? 'bun install --frozen-lockfile' : 'bun install',
        run: script => `bun run ${script}`,
        runEach: script => `bun run --filter '*' ${script}`,
        exec: command => `bunx ${command}`,
        prune: null,
        evidence,
      };
    default:
      return {
        program: 'npm',
        install: locked ? 'npm ci --no-audit --no-fund' : 'npm install --no-audit --no-fund',
        run: script => (script === 'test' ? 'npm test' : `npm run ${script}`),
        runEach: script => `npm run ${script} --workspaces --if-present`,
        exec: command => `npx --no-install ${command}`,
        prune: 'npm prune --omit=dev --ignore-scripts --no-audit --no-fund',
        evidence,
      };
  }
}

export function scriptEvidence(text: string, script: string): Evidence {
  const scriptsLine = lineOf(text, /"scripts"\s*:/) ?? 1;
  const below = text
    .split('\n')
    .slice(scriptsLine - 1)
    .join('\n');
  const line = lineOf(below, new RegExp(`"${script}"\\s*:`));
  return { file, line: line === null ? scriptsLine : scriptsLine - 1 + line, reason: `the script "${script}"` };
}

/** The build of the pages' assets in a project of another language; null where package.json has no script "build". */
export async function nodeAssets(
  tree: ProjectTree,
): Promise<{ steps: PlanStep[]; requirements: ToolRequirement[] } | null> {
  const text = await tree.readText(file);
  if (text === null) return null;
  const manifest = parseManifest(text);
  if (!manifest.scripts.build) return null;
  const manager = managerOf(tree, manifest, text);
  const build = scriptEvidence(text, 'build');
  const install = {
    ...usualStep('install', manager.install, manager.evidence),
    id: 'install-assets',
    name: 'Install packages of the assets',
  };
  return {
    steps: [install, { ...usualStep('assets', manager.run('build'), build), id: 'build-assets' }],
    requirements: [requirement('node', build, manifest.engines.node), requirement(manager.program, manager.evidence)],
  };
}
