/** Reading slipway.yml: the plan it makes, and every kind of mistake with its line, column and remedy. */
import { readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../../../src-main/contract/errors.ts';
import { planSchema } from '../../../src-main/contract/plan.ts';
import { pipelineJsonSchema } from '../../../src-main/toolchains/pipeline-schema.ts';
import { planFor } from '../../../src-main/toolchains/plan.ts';
import { readPipeline } from '../../../src-main/toolchains/read-pipeline.ts';
import { projectFolder } from '../../support/project-folder.ts';

async function failureOf(text: string, file = 'slipway.yml'): Promise<DomainError> {
  const root = await projectFolder({ [file]: text });
  const error: unknown = await readPipeline(root).catch((thrown: unknown) => thrown);
  if (error instanceof DomainError) return error;
  throw new Error(`expected a DomainError, got ${String(error)}`);
}

describe('readPipeline', () => {
  it('is null where there is no pipeline file', async () => {
    expect(await readPipeline(await projectFolder({ 'README.md': '' }))).toBeNull();
  });

  it('makes the plan that the file describes', async () => {
    const root = await projectFolder({
      'slipway.yml': `env:
  VERSION: 1.10
  DEBUG: false
secrets: [NPM_TOKEN]
steps:
  - run: npm ci
    timeout: 90s
  - id: migrate
    name: Migrate the database
    phase: migrate
    run: ./migrate
    env: { PORT: 0080 }
  - name: Migrate
    run: |
      one
      two
    timeout: 45
artifact: { include: [dist, "assets/**"], exclude: ["**/*.map"] }
start: node dist/main.js
health: { http: "http://127.0.0.1:8080/health", interval: 2s, timeout: 1500ms }
`,
    });
    const plan = planSchema.parse(await planFor(root));
    expect(plan).toMatchObject({
      origin: 'pipeline',
      tool: 'custom',
      env: { VERSION: '1.10', DEBUG: 'false' },
      secrets: ['NPM_TOKEN'],
      artifact: { include: ['dist', 'assets/**'], exclude: ['.git', '**/*.map'] },
      start: 'node dist/main.js',
      health: { http: 'http://127.0.0.1:8080/health', intervalMs: 2_000, timeoutMs: 1_500, attempts: 5 },
    });
    expect(
      plan.steps.map(({ id, name, phase, timeoutMs, idempotent }) => ({ id, name, phase, timeoutMs, idempotent })),
    ).toEqual([
      { id: 'step-1', name: 'npm ci', phase: 'build', timeoutMs: 90_000, idempotent: true },
      { id: 'migrate', name: 'Migrate the database', phase: 'migrate', timeoutMs: 1_800_000, idempotent: false },
      { id: 'migrate-2', name: 'Migrate', phase: 'package', timeoutMs: 45_000, idempotent: true },
    ]);
    expect(plan.steps[1]?.env).toEqual({ PORT: '0080' });
    expect(plan.steps[1]?.evidence).toEqual([{ file: 'slipway.yml', line: 8, reason: 'step 2 of slipway.yml' }]);
    expect(plan.requirements.map(({ program }) => program)).toEqual(['npm']);
  });

  it('takes the whole tree where no artifact is named', async () => {
    const root = await projectFolder({ 'slipway.yaml': 'steps: [{ run: make }]' });
    expect((await planFor(root)).artifact).toEqual({ include: ['.'], exclude: ['.git'] });
  });

  it('asks for no tool that a step may install', async () => {
    const root = await projectFolder({
      'slipway.yml': 'steps:\n  - run: cd web && npm ci\n  - run: npm install --global pnpm\n  - run: pnpm build\n',
    });
    expect((await planFor(root)).requirements.map(({ program }) => program)).toEqual(['npm']);
  });

  it.each([
    ['a typo at the top', 'stpes:\n  - run: make\n', 1, 1, 'there is no key "stpes" here; did you mean "steps"?'],
    [
      'a typo in a step',
      'steps:\n  - run: make\n    timeuot: 5m\n',
      3,
      5,
      'no key "timeuot" here; did you mean "timeout"?',
    ],
    [
      'a typo in the artifact',
      'artifact:\n  inlcude: [dist]\n',
      2,
      3,
      'no key "inlcude" here; did you mean "include"?',
    ],
    [
      'a key from elsewhere',
      'jobs: {}\n',
      1,
      1,
      'the keys are root, steps, migrate, env, secrets, isolation, limits, cache, artifact, start, health',
    ],
    ['a step without a command', 'steps:\n  - name: x\n', 2, 5, 'steps[1].run: it is missing'],
    [
      'a wrong duration',
      'steps:\n  - run: make\n    timeout: soon\n',
      3,
      14,
      'steps[1].timeout: write a time such as 30s',
    ],
    ['a duration beyond a day', 'steps:\n  - run: make\n    timeout: 25h\n', 3, 14, 'between 1ms and 24h'],
    [
      'a typo in retry',
      'steps:\n  - run: make\n    retry: { tiems: 2 }\n',
      3,
      14,
      'no key "tiems" here; did you mean "times"?',
    ],
    ['too many retries', 'steps:\n  - run: make\n    retry: 11\n', 3, 12, 'how often it is run again, from 1 to 10'],
    [
      'an exit status of success',
      'steps:\n  - run: make\n    retry:\n      exit: [0]\n',
      4,
      14,
      'steps[1].retry.exit[1]',
    ],
    ['a typo in when', 'steps:\n  - run: make\n    when: { brances: [a] }\n', 3, 13, 'did you mean "branches"?'],
    ['a when of nothing', 'steps:\n  - run: make\n    when: {}\n', 3, 11, 'write branches, paths or both'],
    ['a when of another tree', 'steps:\n  - run: make\n    when: { paths: [../x] }\n', 3, 21, 'out of the repository'],
    ['a wrong phase', 'steps:\n  - run: make\n    phase: deploy\n', 3, 12, 'prepare'],
    ['steps that are no list', 'steps: make\n', 1, 8, 'steps: expected array'],
    ['a variable with a bad name', 'env:\n  A-B: x\n', 2, 3, '"A-B": use letters, digits and _'],
    ['a variable that is a list', 'env:\n  A: [x]\n', 2, 6, 'env.A: write a text, a number, true or false'],
    ['a path out of the repository', 'artifact: [dist, ../../etc]\n', 1, 18, 'may not lead out of the repository'],
    ['an absolute path', 'artifact:\n  - /etc/passwd\n', 2, 5, 'a path inside the repository'],
    ['a Windows path', 'artifact:\n  - "C:/x"\n', 2, 5, 'a path inside the repository'],
    ['a health check of nothing', 'health:\n  attempts: 3\n', 2, 3, 'one of http, tcp and command'],
    ['a health check of another protocol', 'health:\n  http: file:///etc/passwd\n', 2, 9, 'starts with http://'],
    [
      'two steps of one id',
      'steps:\n  - { id: a, run: x }\n  - { id: a, run: y }\n',
      3,
      11,
      'another step has the id "a"',
    ],
    ['a secret that is set', 'env: { A: x }\nsecrets:\n  - A\n', 3, 5, '"A" is also set in env'],
    ['a key written twice', 'env: {}\nenv: {}\n', 2, 1, '"env" is written twice'],
    ['a key of JavaScript', 'env:\n  __proto__: x\n', 2, 3, '"__proto__" cannot be a key'],
    ['broken YAML', 'steps:\n  - run: "make\n', 3, 1, 'Missing closing'],
    ['a tag', 'start: !!js/function x\n', 1, 8, 'Unresolved tag'],
    ['an empty file', '# nothing\n', 1, 1, 'it is empty'],
    ['text that is no mapping', 'make\n', 1, 1, 'expected object'],
  ])('refuses %s', async (_title, text, line, column, message) => {
    const error = await failureOf(text);
    expect(error.code).toBe('pipeline.invalid');
    expect(error.message).toContain(`slipway.yml, line ${line}, column ${column}: `);
    expect(error.message).toContain(message);
  });

  it('tells all problems at once, in the order of the file', async () => {
    const error = await failureOf('stat: x\nsteps:\n  - rnu: make\n    phase: later\nhealth: {}\n');
    expect(error.message).toContain('(and 4 more problems)');
    expect(error.details.problems).toMatchObject([
      { line: 1, column: 1, message: expect.stringContaining('did you mean "start"') },
      { line: 3, column: 5 },
      { line: 3, column: 5, message: expect.stringContaining('did you mean "run"') },
      { line: 4, column: 12 },
      { line: 5, column: 9 },
    ]);
  });

  it('uses aliases, and refuses those that multiply', async () => {
    const root = await projectFolder({ 'slipway.yml': 'env: &e { A: x }\nsteps:\n  - { run: make, env: *e }\n' });
    expect((await planFor(root)).steps[0]?.env).toEqual({ A: 'x' });
    const names = [...'bcdefghi'];
    const levels = names.map((name, index) => {
      const below = index === 0 ? 'a' : names[index - 1];
      return `${name}: &${name} [${Array(10).fill(`*${below}`).join(', ')}]`;
    });
    const error = await failureOf(['a: &a [x, x]', ...levels].join('\n'));
    expect(error.message).toContain('aliases cannot be used');
  });

  it('refuses a file that contains itself', async () => {
    expect((await failureOf('steps: &s\n  - *s\n')).code).toBe('pipeline.invalid');
  });

  it.each([
    ['nested without end', '['.repeat(60_000), 'nested too deeply'],
    ['far too long', `# ${'x'.repeat(300_000)}`, 'at most 65536 are read'],
  ])('refuses a file that is %s', async (_title, text, message) => {
    const error = await failureOf(text);
    expect(error.code).toBe('pipeline.invalid');
    expect(JSON.stringify(error.details)).toContain(message);
  });

  it('refuses a link, which would quote a file of the host', async () => {
    const outside = await projectFolder({ secret: 'password: hunter2\n' });
    const root = await projectFolder({});
    await symlink(join(outside, 'secret'), join(root, 'slipway.yml'));
    const error: unknown = await readPipeline(root).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'pipeline.invalid', message: expect.stringContaining('not a regular file') });
    expect(String(error)).not.toContain('password');
  });

  it('refuses two pipeline files', async () => {
    const root = await projectFolder({ 'slipway.yml': 'steps: []', 'slipway.yaml': 'steps: []' });
    await expect(readPipeline(root)).rejects.toMatchObject({ message: expect.stringContaining('keep one of the two') });
  });
});

describe('resources', () => {
  it.each(['slipway.schema.json', 'sample/slipway.schema.json'])('%s is what write-schema writes', async file => {
    const text = await readFile(new URL(`../../../resources/${file}`, import.meta.url), 'utf8');
    expect(text).toBe(pipelineJsonSchema());
  });
});
