/** Owns how a Python project is recognised and built: dependencies beside the code, so that the tree runs wherever it is put. */
import type { Evidence, PlanStep } from '../contract/plan.ts';
import type { DetectedPlan } from './detected-plan.ts';
import { nodeAssets } from './node-manager.ts';
import { detectedStep, lineOf, type ProjectTree, procfileStart, wholeTree } from './project-tree.ts';
import { dependenciesOf, packages, withPackages } from './python-packages.ts';

/** A program of these is waiting for connections, so it is started and kept running. */
const listens = /\b(flask|fastapi|uvicorn|aiohttp|bottle|tornado|starlette|sanic|http\.server|socketserver|wsgiref)\b/i;
const startFiles = ['main.py', 'app.py', 'server.py'];

/** requirements.txt, Pipfile, pyproject.toml or setup.py at the root, or a main.py, app.py, server.py, manage.py. */
export async function detectPython(tree: ProjectTree): Promise<DetectedPlan | null> {
  const marker = ['requirements.txt', 'Pipfile', 'pyproject.toml', 'setup.py', 'manage.py', ...startFiles].find(name =>
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
  const assets = tree.has('manage.py') ? await nodeAssets(tree) : null;
  const steps: PlanStep[] = [];
  if (dependencies !== null) {
    const run = dependencies.install;
    const step = { id: 'install', name: 'Install dependencies', phase: 'prepare', run } as const;
    steps.push(detectedStep(step, dependencies.evidence));
  }
  if (assets !== null) steps.push(...assets.steps);
  if (test !== null) steps.push(test);
  return {
    origin: 'detected',
    tool: 'python',
    requirements:
      steps.length === 0 && start === null
        ? []
        : [{ program, version, evidence }, ...(dependencies?.requirements ?? []), ...(assets?.requirements ?? [])],
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
  if (isInstalled && requirements === '' && /^[ \t]*(?:dependencies\s*=.*)?["']pytest\b/m.test(pyproject)) {
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
  const django = await djangoStart(tree, program, isInstalled);
  if (django !== null) return django;
  for (const file of startFiles) {
    const text = (await tree.readText(file, 65_536)) ?? '';
    const line = lineOf(text, listens);
    if (line === null) continue;
    // An application object without a server of its own ends at once; uvicorn is what its manual starts it with.
    const asgi = /^(\w+)\s*(?::\s*\w+\s*)?=\s*(?:FastAPI|Starlette|Litestar)\(/m.exec(text)?.[1];
    const needsServer = asgi !== undefined && !/uvicorn\.run\(|hypercorn|__main__/.test(text);
    // So does one of Flask; its manual's own command where the dependencies bring no server.
    const wsgi = /^(\w+)\s*=\s*Flask\(/m.exec(text)?.[1];
    const isFlask = wsgi !== undefined && !/\.run\(|__main__/.test(text);
    const module = file.slice(0, -3);
    const lists = `${await tree.readText('requirements.txt')}\n${await tree.readText('pyproject.toml')}`;
    const command = needsServer
      ? `${program} -m uvicorn ${module}:${asgi} --host 0.0.0.0`
      : isFlask
        ? /^[^#\n]*\bgunicorn\b/m.test(lists)
          ? `${program} -m gunicorn ${module}:${wsgi}`
          : `${program} -m flask --app ${module}:${wsgi} run --host 0.0.0.0`
        : `${program} ${file}`;
    const start = withPackages(command, tree.platform, isInstalled);
    return { start, evidence: { file, line, reason: `${file} serves requests` } };
  }
  return null;
}

/** The server that the dependencies bring for a project of Django. Its own runserver is for development alone. */
async function djangoStart(
  tree: ProjectTree,
  program: string,
  isInstalled: boolean,
): Promise<{ start: string; evidence: Evidence } | null> {
  if (!tree.has('manage.py')) return null;
  const file = tree.files.find(path => /^\w+\/wsgi\.py$/.test(path));
  if (file === undefined) return null;
  const names = ['requirements.txt', 'pyproject.toml', 'Pipfile', 'setup.py'];
  const lists = (await Promise.all(names.map(name => tree.readText(name)))).join('\n');
  const server = /^[^#\n]*\b(gunicorn|waitress|uvicorn)\b/m.exec(lists)?.[1];
  if (server === undefined) return null;
  const module = file.slice(0, file.indexOf('/'));
  const command = {
    gunicorn: `${program} -m gunicorn ${module}.wsgi`,
    waitress: `${program} -m waitress ${module}.wsgi:application`,
    uvicorn: `${program} -m uvicorn ${module}.asgi:application`,
  }[server];
  if (command === undefined) return null;
  const evidence = { file, line: 1, reason: `${server} serves an application of Django` };
  return { start: withPackages(command, tree.platform, isInstalled), evidence };
}
