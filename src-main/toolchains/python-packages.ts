/** Owns where a Python project's dependencies are written down, by pip, Poetry, uv, Pipenv or PDM, and how each is installed into the tree. */
import type { Evidence, ToolRequirement } from '../contract/plan.ts';
import { evidenceAt, requirement } from './detected-plan.ts';
import { lineOf, type ProjectTree } from './project-tree.ts';

/**
 * Where dependencies go. A virtual environment holds absolute paths and breaks when it is moved; a folder on PYTHONPATH
 * does not, and pip writes it even where the system's Python is externally managed (PEP 668).
 */
export const packages = '.python-packages';
/** What a lock file becomes, so that pip installs exactly the locked versions into the folder. */
const exported = '.python-requirements.txt';

export interface Dependencies {
  readonly install: string;
  readonly evidence: Evidence;
  readonly requirements: readonly ToolRequirement[];
}

interface Locker {
  readonly program: string;
  readonly lockfile: string;
  readonly reason: string;
  readonly run: string;
}

/**
 * Each writes its lock as requirements. Sources: "Locking and syncing" of uv's manual, poetry-plugin-export's README, `pipenv
 * requirements --help`, `pdm export --help`.
 */
const lockers: readonly Locker[] = [
  {
    program: 'uv',
    lockfile: 'uv.lock',
    reason: 'a lock file of uv',
    run: `uv export --frozen --no-dev --no-emit-project --quiet --output-file ${exported}`,
  },
  {
    program: 'poetry',
    lockfile: 'poetry.lock',
    reason: 'a lock file of Poetry',
    run: `poetry export --only main --format requirements.txt --output ${exported}`,
  },
  {
    program: 'pdm',
    lockfile: 'pdm.lock',
    reason: 'a lock file of PDM',
    run: `pdm export --prod --format requirements --output ${exported}`,
  },
  {
    program: 'pipenv',
    lockfile: 'Pipfile.lock',
    reason: 'a lock file of Pipenv',
    run: `pipenv requirements > ${exported}`,
  },
];

/** How the dependencies are installed; null where there are none. */
export async function dependenciesOf(
  tree: ProjectTree,
  program: string,
  pyproject: string,
): Promise<Dependencies | null> {
  const pip = `${program} -m pip install --disable-pip-version-check --no-compile --upgrade --target ${packages}`;
  const buildSystem = lineOf(pyproject, /^\[build-system\]/m);
  const locker = lockers.find(({ lockfile }) => tree.has(lockfile));
  if (locker !== undefined) {
    const evidence = evidenceAt(locker.lockfile, locker.reason);
    const isPackage = buildSystem !== null && !/^package-mode\s*=\s*false/m.test(pyproject);
    const own = isPackage ? ` && ${pip} --no-deps .` : '';
    return {
      install: `${locker.run} && ${pip} -r ${exported}${own}`,
      evidence,
      requirements: [requirement(locker.program, evidence), requirement('pip', evidence)],
    };
  }
  const withPip = (install: string, evidence: Evidence): Dependencies => ({
    install,
    evidence,
    requirements: [requirement('pip', evidence)],
  });
  const listed = await tree.readText('requirements.txt');
  if (listed !== null) {
    const line = lineOf(listed, /^[^#\s]/m);
    if (line === null) return null;
    const evidence = { file: 'requirements.txt', line, reason: 'lists what the project needs' };
    return withPip(`${pip} -r requirements.txt`, evidence);
  }
  if (tree.has('Pipfile')) {
    const evidence = evidenceAt('Pipfile', 'lists what the project needs, without a lock file');
    return {
      install: `pipenv lock && pipenv requirements > ${exported} && ${pip} -r ${exported}`,
      evidence,
      requirements: [requirement('pipenv', evidence), requirement('pip', evidence)],
    };
  }
  const described = lineOf(pyproject, /^\[(build-system|project|tool\.poetry)\]/m);
  if (described !== null) {
    const reason = 'describes a package that pip installs';
    return withPip(`${pip} .`, { file: 'pyproject.toml', line: described, reason });
  }
  if (!tree.has('setup.py')) return null;
  return withPip(`${pip} .`, evidenceAt('setup.py', 'describes a package that pip installs'));
}

/** A command with the dependencies and their programs in reach, from wherever the release lies. */
export function withPackages(command: string, platform: NodeJS.Platform, isInstalled: boolean): string {
  if (!isInstalled) return command;
  if (platform === 'win32') {
    return `set "PYTHONPATH=%CD%\\${packages}" && set "PATH=%CD%\\${packages}\\bin;%PATH%" && ${command}`;
  }
  return `export PYTHONPATH="$PWD/${packages}" PATH="$PWD/${packages}/bin:$PATH"; ${command}`;
}
