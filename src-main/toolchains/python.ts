/** Owns how a Python project is recognised and built: dependencies beside the code, so that the tree runs wherever it is put. */
import type { Evidence, PlanStep } from '../contract/plan.ts';
import type { DetectedPlan } from './detected-plan.ts';
import { nodeAssets } from './node-manager.ts';
import { detectedStep, lineOf, type ProjectTree, wholeTree } from './project-tree.ts';
import { dependenciesOf, packages } from './python-packages.ts';
import { pythonStart, startFiles } from './python-start.ts';

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
  const start = await pythonStart(tree, program, dependencies !== null);
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
