/** What a pipeline file means: the order of phases, the combinations of a matrix, migrations, and the folder of the project. */
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../../../src-main/contract/errors.ts';
import { detectPlan } from '../../../src-main/toolchains/detect.ts';
import { pipelineFromText } from '../../../src-main/toolchains/pipeline-plan.ts';
import { detectedFor, planFor } from '../../../src-main/toolchains/plan.ts';
import { openProjectTree } from '../../../src-main/toolchains/project-tree.ts';
import { pipelineOfPlan } from '../../../src-main/toolchains/write-pipeline.ts';
import { projectFolder } from '../../support/project-folder.ts';

const planOf = (text: string) => pipelineFromText('slipway.yml', text);

function problemOf(text: string): string {
  try {
    planOf(text);
  } catch (error) {
    if (error instanceof DomainError && error.code === 'pipeline.invalid') return error.message;
    throw error;
  }
  return 'none';
}

const django = {
  'manage.py': 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site.settings")\n',
  'requirements.txt': 'django\n',
};

describe('phases', () => {
  it('run in their order, and what follows the tests without a phase stays after them', () => {
    const plan = planOf(`steps:
  - { name: pack, run: tar, phase: package }
  - { name: test, run: npm test, phase: test }
  - { name: bundle, run: ./bundle.sh }
  - { name: migrate, run: ./migrate.sh, phase: migrate }
  - { name: compile, run: make, phase: build }
  - { name: install, run: npm ci, phase: prepare }
`);
    expect(plan.steps.map(({ name }) => name)).toEqual(['install', 'compile', 'test', 'migrate', 'pack', 'bundle']);
    expect(plan.steps.map(({ idempotent }) => idempotent)).toEqual([true, true, true, false, true, true]);
    expect(plan.steps[0]?.evidence).toEqual([{ file: 'slipway.yml', line: 7, reason: 'step 6 of slipway.yml' }]);
  });
});

describe('a matrix', () => {
  it('is one step for each combination, with its values as variables and in its name and id', () => {
    const plan = planOf(`steps:
  - name: test
    run: npm test
    env: { CI_MODE: fast }
    matrix:
      NODE_VERSION: [20, 22.10]
      DB: [sqlite, pg]
      exclude:
        - { NODE_VERSION: 20, DB: pg }
`);
    expect(plan.steps.map(({ id, name, env }) => ({ id, name, env }))).toEqual([
      { id: 'test-20-sqlite', name: 'test (20, sqlite)', env: { CI_MODE: 'fast', NODE_VERSION: '20', DB: 'sqlite' } },
      {
        id: 'test-22-10-sqlite',
        name: 'test (22.10, sqlite)',
        env: { CI_MODE: 'fast', NODE_VERSION: '22.10', DB: 'sqlite' },
      },
      { id: 'test-22-10-pg', name: 'test (22.10, pg)', env: { CI_MODE: 'fast', NODE_VERSION: '22.10', DB: 'pg' } },
    ]);
  });

  const inMatrix = (lines: string) => `steps:\n  - run: make\n    env: { A: 1 }\n    matrix:\n${lines}`;
  const many = `[${Array.from({ length: 9 }, (_, index) => index).join(', ')}]`;
  it.each([
    ['no variable', '      exclude: []\n', 5, 'name at least one variable'],
    ['a scalar', '      B: 20\n', 5, 'write a list of values, such as [20, 22]'],
    ['an empty list', '      B: []\n', 5, 'name at least one value'],
    ['a name that no variable can have', '      "b-c": [1]\n', 5, '"b-c"'],
    ['a variable of the step', '      A: [1]\n', 5, `"A" is also set in the step's env`],
    ['a value twice', '      B: [1, 2, 1]\n', 5, '"1" is there twice'],
    [
      'an excluded value that is none',
      '      B: [1, 2]\n      exclude:\n        - B: 3\n',
      7,
      '"3" is no value of "B"',
    ],
    ['an excluded variable that is none', '      B: [1]\n      exclude:\n        - C: 3\n', 7, 'no variable "C"'],
    ['nothing that is left', '      B: [1]\n      exclude:\n        - B: 1\n', 7, 'every combination is left out'],
    ['a line break in a value', '      B: ["a\\nb"]\n', 5, 'one line of plain text'],
    ['too many combinations', `      B: ${many}\n      C: ${many}\n`, 5, 'more than 64 combinations'],
  ])('with %s is refused with its line', (_title, lines, line, message) => {
    const problem = problemOf(inMatrix(lines));
    expect(problem).toContain(message);
    expect(problem).toContain(`line ${line},`);
  });

  it('counts the combinations of all steps together', () => {
    const step = '  - { run: make, matrix: { B: [1, 2, 3, 4, 5, 6, 7, 8], C: [1, 2, 3, 4, 5] } }\n';
    expect(planOf(`steps:\n${step}`).steps).toHaveLength(40);
    expect(problemOf(`steps:\n${step}${step}`)).toContain('line 3,');
  });
});

describe('migrations', () => {
  it('that are detected are listed for the activation, unless the file has steps of its own for them or wants none', async () => {
    const of = async (text: string) => await planFor(await projectFolder({ ...django, 'slipway.yml': text }));
    const listed = await of('steps:\n  - run: make\n');
    expect(listed.migrations.map(({ id }) => id)).toEqual(['django-check', 'django-migrate']);
    expect(listed.steps).toHaveLength(1);
    expect((await of('steps:\n  - { run: make, phase: migrate }\n')).migrations).toEqual([]);
    expect((await of('migrate: none\nsteps:\n  - run: make\n')).migrations).toEqual([]);
  });

  it('run in the build for a database that the file names', async () => {
    const text = 'env: { DATABASE_URL: "sqlite:///x" }\nmigrate: { at: build, database: DATABASE_URL, make: true }\n';
    const plan = await planFor(await projectFolder({ ...django, 'slipway.yml': `${text}steps:\n  - run: make\n` }));
    expect(plan.migrations).toEqual([]);
    expect(plan.steps.map(({ id, phase, idempotent }) => [id, phase, idempotent])).toEqual([
      ['step-1', 'build', true],
      ['django-make', 'build', true],
      ['django-check', 'migrate', true],
      ['django-migrate', 'migrate', false],
    ]);
    expect(plan.steps[1]?.run).toMatch(/manage\.py makemigrations --noinput$/);
  });

  it('may be written down, for the activation', () => {
    const plan = planOf('migrate:\n  steps:\n    - run: ./up.sh\n    - { run: ./check.sh, idempotent: true }\n');
    expect(plan.steps).toEqual([]);
    expect(plan.migrations).toMatchObject([
      { id: 'step-1', phase: 'migrate', run: './up.sh', idempotent: false, evidence: [{ line: 3 }] },
      { id: 'step-2', idempotent: true },
    ]);
  });

  it.each([
    ['at: build without a database', 'migrate: { at: build }\n', 1, 'needs "database"'],
    ['a database that is not named', 'migrate:\n  at: build\n  database: DB\n', 3, 'neither in env nor in secrets'],
    ['a database at activation', 'migrate:\n  database: DB\n', 2, 'for at: build alone'],
    ['another word', 'migrate: never\n', 1, 'write none, or at'],
    ['a matrix', 'migrate:\n  steps:\n    - { run: a, matrix: { B: [1] } }\n', 3, 'no key "matrix"'],
  ])('with %s are refused with the line', (_title, text, line, message) => {
    const problem = problemOf(text);
    expect(problem).toContain(message);
    expect(problem).toContain(`line ${line},`);
  });

  it('are made for Django alone', async () => {
    const root = await projectFolder({ 'go.mod': 'module m\n', 'slipway.yml': 'steps: []\nmigrate:\n  make: true\n' });
    await expect(planFor(root)).rejects.toMatchObject({
      code: 'pipeline.invalid',
      message: expect.stringContaining('line 3, column 3: migrate.make'),
    });
  });

  it('that were detected are in the file that init writes', async () => {
    const plan = await detectedFor(await projectFolder(django));
    const text = pipelineOfPlan(plan);
    expect(text).toMatch(/migrate:\n {2}steps:\n {4}# /);
    expect(planOf(text).migrations.map(({ run, idempotent }) => [run, idempotent])).toEqual(
      plan.migrations.map(({ run, idempotent }) => [run, idempotent]),
    );
  });
});

describe('the folder of the project', () => {
  const several = {
    'api/package.json': '{"name":"api","scripts":{"build":"tsc","start":"node x.js"}}',
    'web/go.mod': 'module m\n',
    'web/main.go': 'package main\nfunc main() {}\n',
  };

  it('is the one that the file names: detected there, with what the file says over it', async () => {
    const root = await projectFolder({ ...several, 'slipway.yml': 'root: ./api/\nstart: node other.js\n' });
    const plan = await planFor(root);
    const alone = await detectPlan(await openProjectTree(join(root, 'api')));
    expect(plan).toMatchObject({ origin: 'pipeline', tool: 'node', root: 'api', start: 'node other.js' });
    expect(plan.steps.map(({ run }) => run)).toEqual(alone?.steps.map(({ run }) => run));
    expect(plan.steps[0]?.evidence[0]?.file).toBe('api/package.json');
  });

  it('is the only one below a root that says nothing, with its own pipeline file if it has one', async () => {
    // A project inside of the project is part of it.
    const nested = {
      'app/go.mod': 'module m\n',
      'app/main.go': 'package main\nfunc main() {}\n',
      'app/web/package.json': '{}',
    };
    expect(await planFor(await projectFolder(nested))).toMatchObject({
      root: 'app',
      tool: 'go',
      roots: [{ path: 'app/web' }],
    });
    const own = await projectFolder({ 'app/slipway.yml': 'steps:\n  - run: make\n', 'README.md': '' });
    expect(await planFor(own)).toMatchObject({
      root: 'app',
      steps: [{ run: 'make' }],
      evidence: [{ file: 'app/slipway.yml', reason: expect.stringContaining('the only project') }, {}],
    });
  });

  it('is written by init, and read back', async () => {
    const root = await projectFolder({ 'api/package.json': several['api/package.json'], 'README.md': '' });
    const plan = await detectedFor(root);
    expect(plan.root).toBe('api');
    expect(planOf(pipelineOfPlan(plan))).toMatchObject({ root: 'api', start: plan.start });
  });

  it('is left to a person where there are several, with what to write', async () => {
    await expect(planFor(await projectFolder(several))).rejects.toMatchObject({
      code: 'plan.nothing_detected',
      message: expect.stringContaining('"root: api"'),
    });
  });

  it.each(['/etc', '../up', 'a/../..', 'a*', 'nowhere', 'link'])('is refused where it is %s', async folder => {
    const root = await projectFolder({ ...several, 'slipway.yml': `root: "${folder}"\n` });
    await symlink('/etc', join(root, 'link'));
    await expect(planFor(root)).rejects.toMatchObject({
      code: 'pipeline.invalid',
      message: expect.stringContaining('slipway.yml, line 1, column 7'),
    });
  });
});
