/** Owns how a Python project is recognised and built: dependencies beside the code, so that the tree runs wherever it is put. */
import type { Evidence, Plan, PlanStep } from '../contract/plan.ts';
import { detectedStep, lineOf, type ProjectTree, procfileStart, wholeTree } from './project-tree.ts';

/**
 * Where dependencies go. A virtual environment holds absolute paths and breaks when it is moved; a folder on PYTHONPATH
 * does not, and pip writes it even where the system's Python is externally managed (PEP 668).
 */
const packages = '.python-packages';
/** A program of these is waiting for connections, so it is started and kept running. */
const listens = /\b(flask|fastapi|uvicorn|aiohttp|bottle|tornado|starlette|sanic|http\.server|socketserver|wsgiref)\b/i;
const startFiles = ['main.py', 'app.py', 'server.py'];

interface Dependencies {
  readonly install: string;
  readonly evidence: Evidence;
}

/** requirements.txt, pyproject.toml or setup.py at the root, or a main.py, app.py, server.py, manage.py. */
export async function detectPython(tree: ProjectTree): Promise<Plan | null> {
  const marker = ['requirements.txt', 'pyproject.toml', 'setup.py', 'manage.py', ...startFiles].find(name =>
    tree.has(name),
  );
  if (marker === undefined) return null;
  const pyproject = (await tree.readText('pyproject.toml')) ?? '';
  // A pyproject.toml that configures a linter alone makes no Python project.
  const configuresOnly = marker === 'pyproject.toml' && !/^\[(project|build-system|tool\.poetry)\]/m.test(pyproject);
  if (configuresOnly && !tree.files.some(path => path.endsWith('.py'))) return null;

  const program = tree.platform === 'win32' ? 'python' : 'python3';
  const dependencies = await dependenciesOf(tree, program, pyproject);
  const test = await testStep(tree, program, dependencies !== null, pyproject);
  const start = await startOf(tree, program, dependencies !== null);
  const evidence = { file: marker, line: 1, reason: `a Python project has ${marker}` };
  const version = /^requires-python\s*=\s*["']([^"']+)["']/m.exec(pyproject)?.[1] ?? null;
  const steps: PlanStep[] = [];
  if (dependencies !== null) {
    const run = dependencies.install;
    const step = { id: 'install', name: 'Install dependencies', phase: 'prepare', run } as const;
    steps.push(detectedStep(step, dependencies.evidence));
  }
  if (test !== null) steps.push(test);
  return {
    origin: 'detected',
    tool: 'python',
    requirements:
      steps.length === 0 && start === null
        ? []
        : [
            { program, version, evidence },
            ...(dependencies ? [{ program: 'pip', version: null, evidence: dependencies.evidence }] : []),
          ],
    steps,
    // Byte code carries the time of its source, so that the same tree would never be the same artifact twice.
    env: { PYTHONDONTWRITEBYTECODE: '1', ...(dependencies ? { PYTHONPATH: packages } : {}) },
    secrets: [],
    artifact: { include: [...wholeTree.include], exclude: [...wholeTree.exclude, '**/__pycache__', '.pytest_cache'] },
    start: start?.start ?? null,
    health: null,
    evidence: [evidence, ...(start === null ? [] : [start.evidence])],
  };
}

async function dependenciesOf(tree: ProjectTree, program: string, pyproject: string): Promise<Dependencies | null> {
  const pip = `${program} -m pip install --disable-pip-version-check --no-compile --upgrade --target ${packages}`;
  const requirements = await tree.readText('requirements.txt');
  if (requirements !== null) {
    const line = lineOf(requirements, /^[^#\s]/m);
    if (line === null) return null;
    const evidence = { file: 'requirements.txt', line, reason: 'lists what the project needs' };
    return { install: `${pip} -r requirements.txt`, evidence };
  }
  const buildSystem = lineOf(pyproject, /^\[(build-system|project|tool\.poetry)\]/m);
  if (buildSystem !== null) {
    const evidence = { file: 'pyproject.toml', line: buildSystem, reason: 'describes a package that pip installs' };
    return { install: `${pip} .`, evidence };
  }
  if (!tree.has('setup.py')) return null;
  return {
    install: `${pip} .`,
    evidence: { file: 'setup.py', line: 1, reason: 'describes a package that pip installs' },
  };
}

async function testStep(
  tree: ProjectTree,
  program: string,
  isInstalled: boolean,
  pyproject: string,
): Promise<PlanStep | null> {
  const tests = tree.files.filter(path => /^(?:tests?\/)?(?:test_[^/]+|[^/]+_test)\.py$/.test(path));
  const [first] = tests;
  if (first === undefined) return null;
  const step = (run: string, evidence: Evidence) =>
    detectedStep({ id: 'test', name: 'Test', phase: 'test', run }, evidence);
  const requirements = (await tree.readText('requirements.txt')) ?? '';
  const named = lineOf(requirements, /^pytest\b/m);
  if (isInstalled && named !== null) {
    return step(`${program} -m pytest`, { file: 'requirements.txt', line: named, reason: 'pytest is a dependency' });
  }
  if (isInstalled && requirements === '' && /^\s*(?:dependencies\s*=.*)?["']pytest\b/m.test(pyproject)) {
    const line = lineOf(pyproject, /["']pytest\b/);
    if (!/optional-dependencies|dependency-groups/.test(pyproject)) {
      return step(`${program} -m pytest`, { file: 'pyproject.toml', line, reason: 'pytest is a dependency' });
    }
  }
  for (const path of tests.slice(0, 20)) {
    const text = (await tree.readText(path, 16_384)) ?? '';
    const line = lineOf(text, /^(?:import|from) unittest\b/m);
    if (line === null || !/(?:^|\/)test_/.test(path)) continue;
    const folder = path.includes('/') ? path.slice(0, path.indexOf('/')) : null;
    const from = folder === null ? '' : ` -s ${folder}${tree.has(`${folder}/__init__.py`) ? ' -t .' : ''}`;
    return step(`${program} -m unittest discover${from}`, { file: path, line, reason: 'a test of unittest' });
  }
  return null;
}

async function startOf(
  tree: ProjectTree,
  program: string,
  isInstalled: boolean,
): Promise<{ start: string; evidence: Evidence } | null> {
  const procfile = await procfileStart(tree);
  if (procfile !== null) return { ...procfile, start: withPackages(procfile.start, tree.platform, isInstalled) };
  for (const file of startFiles) {
    const text = (await tree.readText(file, 65_536)) ?? '';
    const line = lineOf(text, listens);
    if (line === null) continue;
    const start = withPackages(`${program} ${file}`, tree.platform, isInstalled);
    return { start, evidence: { file, line, reason: `${file} serves requests` } };
  }
  return null;
}

/** The start command with the dependencies and their programs in reach, from wherever the release lies. */
function withPackages(command: string, platform: NodeJS.Platform, isInstalled: boolean): string {
  if (!isInstalled) return command;
  if (platform === 'win32') {
    return `set "PYTHONPATH=%CD%\\${packages}" && set "PATH=%CD%\\${packages}\\bin;%PATH%" && ${command}`;
  }
  return `export PYTHONPATH="$PWD/${packages}" PATH="$PWD/${packages}/bin:$PATH"; ${command}`;
}
