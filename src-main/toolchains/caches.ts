/** Owns which caches a plan brings: those that a pipeline file names, and the download caches of package managers. */
import type { PipelineFile } from '../contract/pipeline.ts';
import type { Plan, PlanCache } from '../contract/plan.ts';
import type { ProjectTree } from './project-tree.ts';

/** The lock files that make a cache's key where a pipeline file names none; looked for at the root. */
export const lockFiles: readonly string[] = [
  'package-lock.json',
  'npm-shrinkwrap.json',
  'pnpm-lock.yaml',
  'yarn.lock',
  'bun.lock',
  'bun.lockb',
  'deno.lock',
  'requirements.txt',
  'uv.lock',
  'poetry.lock',
  'pdm.lock',
  'Pipfile.lock',
  'Cargo.lock',
  'go.sum',
  'composer.lock',
  'Gemfile.lock',
  'gradle.lockfile',
  'pom.xml',
  'packages.lock.json',
  'mix.lock',
  'Package.resolved',
];

/**
 * The variables that move a package manager's downloads, and nothing else of it, to another folder. Each of these tools checks
 * what it takes from there against the lock file or an integrity of its own. Cargo, Go, Gradle and Maven keep those of the
 * account: their variable would move settings and credentials as well, or trees that are read-only.
 *
 * Sources: npm's "config", Yarn's "cacheFolder" and "yarn cache", pip's "Caching", uv's "Caching", Composer's "COMPOSER_CACHE_DIR".
 */
const downloads: Readonly<Record<string, string>> = {
  npm: 'npm_config_cache',
  yarn: 'YARN_CACHE_FOLDER',
  pip: 'PIP_CACHE_DIR',
  uv: 'UV_CACHE_DIR',
  composer: 'COMPOSER_CACHE_DIR',
};

/** The download caches of the package managers that a detected plan installs with, keyed by the file that pins what is installed. */
export function downloadCaches(
  tree: Pick<ProjectTree, 'has'>,
  plan: Pick<Plan, 'requirements' | 'steps'>,
): PlanCache[] {
  const installs = plan.steps.filter(step => step.phase === 'prepare').map(step => ` ${step.run} `);
  return Object.entries(downloads).flatMap(([name, variable]) => {
    const required = plan.requirements.find(({ program }) => program === name);
    if (required === undefined || !installs.some(run => run.includes(` ${name} `))) return [];
    const { file } = required.evidence;
    const keyFile = name === 'composer' && tree.has('composer.lock') ? 'composer.lock' : file;
    return [{ name, paths: [], variable, keyFiles: [keyFile] }];
  });
}

/** The caches of a pipeline file, each with a name of its own. */
export function pipelineCaches({ cache }: PipelineFile): PlanCache[] {
  const entries = Array.isArray(cache) ? cache : (cache?.entries ?? []);
  const taken = new Set(entries.flatMap(entry => (typeof entry === 'string' ? [] : (entry.name ?? []))));
  return entries.map(given => {
    const entry = typeof given === 'string' ? { paths: [given] } : given;
    const paths = (entry.paths ?? []).map(plainPath);
    return {
      name: entry.name ?? freeName(entry.variable ?? paths[0] ?? 'cache', taken),
      paths: [...new Set(paths)],
      variable: entry.variable ?? null,
      keyFiles: entry.key === undefined ? null : [...new Set(entry.key.map(plainPath))],
    };
  });
}

/** `./a//b/` is `a/b`. */
function plainPath(path: string): string {
  return path
    .split('/')
    .filter(part => part !== '' && part !== '.')
    .join('/');
}

function freeName(text: string, taken: Set<string>): string {
  const slug = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
  const base = slug === '' ? 'cache' : slug;
  let name = base;
  for (let count = 2; taken.has(name); count += 1) name = `${base}-${count}`;
  taken.add(name);
  return name;
}

/** The cached paths that no path of the artifact names: what an earlier build left must not get into this one's artifact. */
export function cachePathsOutside(caches: readonly PlanCache[], include: readonly string[]): string[] {
  const named = include.map(plainPath);
  const isNamed = (path: string) => named.some(one => one === path || one.startsWith(`${path}/`));
  return caches.flatMap(({ paths }) => paths).filter(path => !isNamed(path));
}
