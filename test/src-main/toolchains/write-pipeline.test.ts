/** Writing slipway.yml: what is detected, and what is taken from GitHub, reads back as what it was. */
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../../src-main/contract/plan.ts';
import { draftOfWorkflow } from '../../../src-main/toolchains/github-workflow.ts';
import { pipelineFromText } from '../../../src-main/toolchains/pipeline-plan.ts';
import { detectedFor, planFor } from '../../../src-main/toolchains/plan.ts';
import { pipelineOfPlan, pipelineText } from '../../../src-main/toolchains/write-pipeline.ts';
import { projectFolder } from '../../support/project-folder.ts';

const projects: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  go: { 'go.mod': 'module example.com/app\ngo 1.22\n', 'main.go': 'package main\nfunc main() {}\n' },
  rust: { 'Cargo.toml': '[package]\nname = "app"\nversion = "0.1.0"\n', 'src/main.rs': 'fn main() {}\n' },
  node: {
    'package.json': '{"scripts": {"build": "vite build", "test": "vitest"}, "devDependencies": {"vite": "1"}}',
    'package-lock.json': '{}',
  },
  'node server': { 'package.json': '{"private": true, "scripts": {"start": "node server.js"}}', 'server.js': '' },
  python: { 'requirements.txt': 'flask\n', 'app.py': '', Procfile: 'web: python app.py\n' },
  make: { Makefile: 'all:\n\tcc main.c\n', 'main.c': 'int main(void) { return 0; }\n' },
  nasm: { 'start me.asm': 'global _start\nsection .text\n_start:\n  mov rax, 60\n' },
  static: { 'docs/index.html': '<!doctype html>' },
};

describe('pipelineOfPlan', () => {
  it.each(Object.entries(projects))(
    'writes the plan of a project in %s so that it reads back',
    async (_name, files) => {
      const plan = await detectedFor(await projectFolder(files));
      const text = pipelineOfPlan(plan);
      expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=.slipway/slipway.schema.json');
      const back = pipelineFromText('slipway.yml', text);
      const bare = ({ steps }: Plan) => steps.map(({ evidence: _evidence, ...step }) => step);
      expect(bare(back)).toEqual(bare(plan));
      expect(back.env).toEqual(plan.env);
      expect([back.start, back.health]).toEqual([plan.start, plan.health]);
      expect(back.artifact.include).toEqual(plan.artifact.include);
      expect(new Set(back.artifact.exclude)).toEqual(new Set(['.git', ...plan.artifact.exclude]));
      for (const { reason } of plan.steps.flatMap(step => step.evidence)) expect(text).toContain(reason);
    },
  );

  it('keeps every key of a step, and lets no name out of its comment', async () => {
    const root = await projectFolder({
      'slipway.yml': `env: { VERSION: 1.10, EMPTY: "", YES: "yes" }
secrets: [TOKEN]
steps:
  - { id: a, name: "odd: # name", run: "one\\ntwo # three", phase: test, timeout: 90s, retry: { times: 3, exit: [1, 137], delay: 500ms } }
  - { id: b, name: b, run: "true", phase: migrate, idempotent: true, when: { branches: [main], paths: ["src/**"] }, retry: 2 }
artifact: { include: [dist], exclude: ["**/*.map"] }
start: ./run
health: { command: ./check, attempts: 2, interval: 1500ms, timeout: 2m }
`,
    });
    const read = await planFor(root);
    const hostile = [{ file: 'a\nsteps: [{run: evil}]\n#', line: 1, reason: 'x\u2028y' }];
    const plan = { ...read, evidence: hostile, steps: read.steps.map(step => ({ ...step, evidence: hostile })) };
    const back = pipelineFromText('slipway.yml', pipelineOfPlan(plan));
    expect(back.steps).toEqual(read.steps.map(step => ({ ...step, evidence: expect.anything() })));
    expect({ ...back, steps: [], evidence: [] }).toEqual({ ...read, steps: [], evidence: [] });
  });
});

const workflow = `name: CI
on: [push]
env:
  VERSION: 1.10
  TOKEN: \${{ secrets.TOKEN }}
  REF: \${{ github.ref }}
jobs:
  deploy:
    needs: [test]
    runs-on: ubuntu-latest
    steps:
      - run: ./deploy.sh "$TOKEN"
        if: github.ref == 'refs/heads/main'
      - name: Tell
        run: curl -H "\${{ secrets.HOOK }}" example.invalid
        if: failure()
  test:
    runs-on: windows-latest
    strategy:
      matrix:
        mode: [fast, slow]
        node: [20, 22]
    services: { db: { image: postgres } }
    steps:
      - uses: actions/checkout@v4
      - name: Install
        run: npm ci
        working-directory: it's here
        timeout-minutes: 3
      - name: Test \${{ matrix.mode }}
        run: |
          npm test -- --mode=\${{ matrix.mode }} --version=\${{ env.VERSION }}
          echo done
        env: { DEBUG: true, MODE: "\${{ matrix.mode }}" }
      - run: echo "A=1" >> $GITHUB_ENV
      - run: Get-Item .
        shell: pwsh
      - run: echo \${{ hashFiles('x') }}
`;

describe('draftOfWorkflow', () => {
  const { draft, notCarried } = draftOfWorkflow('.github/workflows/ci.yml', workflow);
  const plan = pipelineFromText('slipway.yml', pipelineText(draft));

  it('takes run steps in the order of their jobs, once for each combination that they see', () => {
    expect(plan.steps.map(({ name, run }) => [name, run])).toEqual([
      ['Install (fast)', "cd 'it'\\''s here'\nnpm ci"],
      ['Test fast (fast)', 'npm test -- --mode=fast --version=1.10\necho done\n'],
      ['Install (slow)', "cd 'it'\\''s here'\nnpm ci"],
      ['Test slow (slow)', 'npm test -- --mode=slow --version=1.10\necho done\n'],
      ['./deploy.sh "$TOKEN"', './deploy.sh "$TOKEN"'],
    ]);
    expect(plan.steps.map(({ phase }) => phase)).toEqual(['prepare', 'test', 'test', 'test', 'test']);
    expect(plan.steps[0]?.timeoutMs).toBe(180_000);
    expect(plan.steps[1]?.env).toEqual({ DEBUG: 'true', MODE: 'fast' });
    expect(plan.steps[4]?.when).toEqual({ branches: ['main'] });
  });

  it('takes env as it is written, and secrets by name alone', () => {
    expect(plan.env).toEqual({ VERSION: '1.10' });
    expect(plan.secrets).toEqual(['TOKEN']);
  });

  it('lists what did not come along, with its line', () => {
    expect(notCarried.map(({ line, what }) => `${line} ${what}`)).toEqual([
      '6 env REF',
      '23 services of the job test',
      '18 runs-on: windows-latest',
      '22 node of the matrix (20, 22)',
      '25 uses: actions/checkout@v4',
      '35 run: echo "A=1" >> $GITHUB_ENV',
      '36 run: Get-Item .',
      `38 run: echo \${{ hashFiles('x') }}`,
      '14 run: Tell',
    ]);
    expect(pipelineText(draft)).toContain('#   line 36: run: Get-Item .: it needs the shell pwsh');
  });

  it('leaves out what the matrix excludes, and says what it cannot', () => {
    const { draft: taken, notCarried: missed } = draftOfWorkflow(
      'ci.yml',
      `jobs:
  a:
    strategy:
      matrix:
        os: [linux, mac]
        mode: [fast, slow]
        node: [20, 22]
        include: [{ mode: odd }]
        exclude: [{ mode: fast, node: 20 }, { os: mac, mode: slow }]
    steps:
      - run: test \${{ matrix.mode }} \${{ matrix.node }}
`,
    );
    expect(taken.steps.map(({ run }) => run)).toEqual(['test fast 22', 'test slow 20', 'test slow 22']);
    expect(missed.map(({ line, what }) => `${line} ${what}`)).toEqual([
      '8 include of the matrix',
      '5 os of the matrix (linux, mac)',
      '9 exclude of the matrix',
    ]);
  });

  it('gives a secret to a variable of another name, unless a nearer one stands over it', () => {
    const { draft: taken, notCarried: missed } = draftOfWorkflow(
      'ci.yml',
      `env: { TOKEN: "\${{ secrets.NPM_TOKEN }}" }
jobs:
  a:
    steps:
      - run: npm publish
        working-directory: web
      - run: npm test
        env: { TOKEN: none }
`,
    );
    expect(taken.steps.map(({ run, env }) => [run, env])).toEqual([
      [`cd 'web'\nexport TOKEN="$NPM_TOKEN"\nnpm publish`, {}],
      ['npm test', { TOKEN: 'none' }],
    ]);
    expect(taken.secrets).toEqual(['NPM_TOKEN']);
    expect(missed).toEqual([]);
  });

  it('refuses what is no workflow, and bounds what is none', () => {
    for (const text of ['', '- a', 'jobs: 3', 'jobs: { a: { steps: 7 } }', 'a: [']) {
      expect(() => draftOfWorkflow('ci.yml', text)).toThrow(expect.objectContaining({ code: 'pipeline.invalid' }));
    }
    const many = Array.from({ length: 300 }, (_, index) => `      - run: echo ${index}\n`).join('');
    expect(draftOfWorkflow('ci.yml', `jobs:\n  a:\n    steps:\n${many}`).draft.steps).toHaveLength(200);
    const circle = 'jobs:\n  a: { needs: b, steps: [{ run: one }] }\n  b: { needs: a, steps: [{ run: two }] }\n';
    expect(draftOfWorkflow('ci.yml', circle).draft.steps.map(step => step.run)).toEqual(['one', 'two']);
  });
});
