/** Plans of small projects in the shape of real ones, one table row for each tool and way of using it. */
import { execFile } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { planSchema } from '../../../src-main/contract/plan.ts';
import { detectPlan } from '../../../src-main/toolchains/detect.ts';
import { planFor } from '../../../src-main/toolchains/plan.ts';
import { openProjectTree } from '../../../src-main/toolchains/project-tree.ts';
import { projectFolder } from '../../support/project-folder.ts';

const json = (value: unknown) => JSON.stringify(value, null, 2);

interface Row {
  readonly title: string;
  readonly files: Readonly<Record<string, string>>;
  readonly tool: string;
  readonly run: readonly string[];
  readonly include?: readonly string[];
  readonly start?: string;
  readonly programs?: readonly string[];
  readonly platform?: NodeJS.Platform;
}

const nodeApp = {
  name: 'app',
  private: true,
  scripts: { build: 'tsc', test: 'vitest run', start: 'node out/main.js' },
};
const python = '.python-packages';
const pip = `python3 -m pip install --disable-pip-version-check --no-compile --upgrade --target ${python}`;
const withPython = `export PYTHONPATH="$PWD/${python}" PATH="$PWD/${python}/bin:$PATH"; `;
const cargo = (name: string) => `[package]\nname = "${name}"\nversion = "0.1.0"\nedition = "2021"\n`;
const goServer = 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":8080", nil) }\n';
const goTool = 'package main\n\nfunc main() {}\n';

const rows: readonly Row[] = [
  {
    title: 'npm with a lock file',
    files: {
      'package.json': json({ ...nodeApp, dependencies: { ws: '8' }, devDependencies: { typescript: '5' } }),
      'package-lock.json': '{}',
    },
    tool: 'node',
    run: [
      'npm ci --no-audit --no-fund',
      'npm run build',
      'npm test',
      'npm prune --omit=dev --ignore-scripts --no-audit --no-fund',
    ],
    start: 'node out/main.js',
    programs: ['node', 'npm'],
  },
  {
    title: 'npm without a lock file',
    files: { 'package.json': json({ ...nodeApp, dependencies: { ws: '8' } }) },
    tool: 'node',
    run: ['npm install --no-audit --no-fund', 'npm run build', 'npm test'],
    start: 'node out/main.js',
  },
  {
    title: 'no dependencies, so no install step, whatever the lock file',
    files: { 'package.json': json(nodeApp), 'package-lock.json': '{}' },
    tool: 'node',
    run: ['npm run build', 'npm test'],
    start: 'node out/main.js',
  },
  {
    title: 'pnpm',
    files: { 'package.json': json({ ...nodeApp, dependencies: { ws: '8' } }), 'pnpm-lock.yaml': '' },
    tool: 'node',
    run: ['pnpm install --frozen-lockfile', 'pnpm run build', 'pnpm run test'],
    start: 'node out/main.js',
    programs: ['node', 'pnpm'],
  },
  {
    title: 'yarn 1',
    files: { 'package.json': json({ ...nodeApp, dependencies: { ws: '8' } }), 'yarn.lock': '' },
    tool: 'node',
    run: ['yarn install --frozen-lockfile', 'yarn run build', 'yarn run test'],
    start: 'node out/main.js',
  },
  {
    title: 'yarn 4',
    files: {
      'package.json': json({ ...nodeApp, packageManager: 'yarn@4.9.0', dependencies: { ws: '8' } }),
      'yarn.lock': '',
    },
    tool: 'node',
    run: ['yarn install --immutable', 'yarn run build', 'yarn run test'],
    start: 'node out/main.js',
  },
  {
    title: 'bun',
    files: { 'package.json': json({ ...nodeApp, dependencies: { ws: '8' } }), 'bun.lock': '' },
    tool: 'node',
    run: ['bun install --frozen-lockfile', 'bun run build', 'bun run test'],
    start: 'node out/main.js',
  },
  {
    title: 'packageManager decides between two lock files',
    files: {
      'package.json': json({ ...nodeApp, packageManager: 'npm@11.0.0', dependencies: { ws: '8' } }),
      'package-lock.json': '{}',
      'yarn.lock': '',
    },
    tool: 'node',
    run: ['npm ci --no-audit --no-fund', 'npm run build', 'npm test'],
    start: 'node out/main.js',
  },
  {
    title: 'a published library is its own artifact, needs no tool, and is not started',
    files: {
      'package.json': json({ name: 'lodash', version: '4.17.21', main: 'lodash.js', description: 'utilities' }),
      'lodash.js': '',
      'fp/map.js': '',
    },
    tool: 'node',
    run: [],
    programs: [],
  },
  {
    title: "npm's placeholder for tests, and tests that were left out of a published package, are no tests",
    files: {
      'package.json': json({
        name: 'library',
        main: 'index.js',
        scripts: { test: "mocha 'test/**/*.js'" },
        devDependencies: { mocha: '11' },
      }),
      'index.js': '',
    },
    tool: 'node',
    run: [],
  },
  {
    title: 'the placeholder of npm init',
    files: {
      'package.json': json({
        name: 'a',
        private: true,
        main: 'index.js',
        scripts: { test: 'echo "Error: no test specified" && exit 1' },
      }),
      'index.js': '',
    },
    tool: 'node',
    run: [],
    start: 'node index.js',
  },
  {
    title: 'a site that vite builds',
    files: {
      'package.json': json({ scripts: { build: 'tsc && vite build' }, devDependencies: { vite: '8' } }),
      'index.html': '',
    },
    tool: 'node',
    run: ['npm install --no-audit --no-fund', 'npm run build'],
    include: ['dist'],
  },
  {
    title: 'a site whose folder vite is told is not guessed',
    files: {
      'package.json': json({ scripts: { build: 'vite build' }, devDependencies: { vite: '8' } }),
      'vite.config.ts': 'export default { build: { outDir: "out" } }',
    },
    tool: 'node',
    run: ['npm install --no-audit --no-fund', 'npm run build'],
  },
  {
    title: 'Python with requirements, pytest and a server',
    files: {
      'requirements.txt': '# web\nflask==3.1.0\npytest==8.3.0\n',
      'app.py': 'from flask import Flask\napp = Flask(__name__)\n',
      'tests/test_app.py': 'def test_app():\n    assert True\n',
    },
    tool: 'python',
    run: [`${pip} -r requirements.txt`, 'python3 -m pytest'],
    start: `${withPython}python3 -m flask --app app:app run --host 0.0.0.0 --port "\${PORT:-8000}"`,
    programs: ['python3', 'pip'],
  },
  {
    title: 'Python on Windows',
    files: { 'requirements.txt': 'flask\n', 'app.py': 'import flask\n' },
    tool: 'python',
    run: [`${pip.replace('python3', 'python')} -r requirements.txt`],
    start: `set "PYTHONPATH=%CD%\\${python}" && set "PATH=%CD%\\${python}\\bin;%PATH%" && python app.py`,
    programs: ['python', 'pip'],
    platform: 'win32',
  },
  {
    title: 'Python with a pyproject and tests of unittest',
    files: {
      'pyproject.toml': '[project]\nname = "tool"\nversion = "1"\nrequires-python = ">=3.11"\n',
      'tool.py': '',
      'tests/test_tool.py': 'import unittest\n',
    },
    tool: 'python',
    run: [`${pip} .`, 'python3 -m unittest discover -s tests'],
  },
  {
    title: 'a Procfile says how Python is started',
    files: { 'requirements.txt': 'gunicorn\n', Procfile: 'release: true\nweb: gunicorn app:app\n', 'app.py': '' },
    tool: 'python',
    run: [`${pip} -r requirements.txt`],
    start: `${withPython}gunicorn app:app`,
  },
  {
    title: 'a Python project whose package.json is for its linters alone',
    files: {
      'package.json': json({ private: true, devDependencies: { prettier: '3' } }),
      'requirements.txt': '\n# nothing yet\n',
      'main.py': 'print("hello")\n',
    },
    tool: 'python',
    run: [],
  },
  {
    title: 'a Go server with its templates',
    files: {
      'go.mod': 'module example.org/team/board/v2\n\ngo 1.24\n',
      'main.go': goServer,
      'main_test.go': 'package main\n',
      'templates/index.html': '',
      'testdata/other/main.go': goTool,
      'nested/go.mod': 'module nested\n',
      'nested/main.go': goTool,
    },
    tool: 'go',
    run: ['go build -trimpath -buildvcs=false -o bin/ ./...', 'go test ./...'],
    include: ['bin', 'templates'],
    start: './bin/board',
    programs: ['go'],
  },
  {
    title: 'Go programs under cmd: the one that serves is started',
    files: { 'go.mod': 'module m\n', 'cmd/api/main.go': goServer, 'cmd/seed/main.go': goTool },
    tool: 'go',
    run: ['go build -trimpath -buildvcs=false -o bin/ ./...'],
    include: ['bin'],
    start: './bin/api',
  },
  {
    title: 'a Go library',
    files: { 'go.mod': 'module m\n', 'm.go': 'package m\n', 'gen.go': `//go:build ignore\n\n${goTool}` },
    tool: 'go',
    run: ['go build -trimpath -buildvcs=false ./...'],
  },
  {
    title: 'a Rust server with a second program',
    files: {
      'Cargo.toml': `${cargo('board')}\n[dependencies]\naxum = "0.8"\n`,
      'Cargo.lock': '',
      'src/main.rs': 'fn main() {}\n\n#[test]\nfn works() {}\n',
    },
    tool: 'rust',
    run: ['cargo build --release --locked', 'cargo test --release --locked'],
    include: ['target/release/board'],
    start: './target/release/board',
    programs: ['cargo', 'rustc'],
  },
  {
    title: 'a Rust workspace',
    files: {
      'Cargo.toml': '[workspace]\nmembers = [\n  "crates/*",\n]\n',
      'crates/core/Cargo.toml': cargo('core'),
      'crates/core/src/lib.rs': '',
      'crates/tool/Cargo.toml': `${cargo('tool')}\n[[bin]]\nname = "tl"\npath = "src/main.rs"\n`,
      'crates/tool/src/main.rs': '',
      'crates/tool/src/bin/extra.rs': '',
    },
    tool: 'rust',
    run: ['cargo build --release'],
    include: ['target/release/tl', 'target/release/extra'],
  },
  {
    title: 'a Node package that calls cargo is left to Node',
    files: {
      'Cargo.toml': cargo('addon'),
      'package.json': json({ name: 'addon', main: 'index.js', scripts: { build: 'napi build --release' } }),
    },
    tool: 'node',
    run: ['npm run build'],
  },
  {
    title: 'C with make',
    files: {
      Makefile: 'hello: hello.c\n\tcc -o $@ $<\n\ntest: hello\n\t./hello\n',
      'hello.c': 'int main(void) { return 0; }\n',
    },
    tool: 'make',
    run: ['make', 'make test'],
    programs: ['make', 'cc'],
  },
  {
    title: 'configure and make',
    files: { configure: '', 'Makefile.in': 'all:\ncheck:\n', 'main.cpp': '' },
    tool: 'make',
    run: ['sh ./configure', 'make', 'make check'],
    programs: ['make', 'c++'],
  },
  {
    title: 'NASM with _start, and a name that a shell would read as more than a name',
    files: { "it's; rm.asm": 'global _start\nsection .text\n_start:\n  mov eax, 60\n  syscall\n' },
    tool: 'nasm',
    run: [
      `mkdir -p build && nasm -f elf64 -I. -o build/1.o 'it'\\''s; rm.asm' && ld -o 'build/it'\\''s; rm' build/1.o && rm -f build/1.o`,
    ],
    include: ['build'],
    programs: ['nasm', 'ld'],
  },
  {
    title: 'NASM with main',
    files: { 'src/hello.asm': 'extern puts\nglobal main\nsection .text\nmain:\n  ret\n' },
    tool: 'nasm',
    run: [
      'mkdir -p build && nasm -f elf64 -I. -o build/1.o src/hello.asm && cc -no-pie -o build/hello build/1.o && rm -f build/1.o',
    ],
    include: ['build'],
    programs: ['nasm', 'cc'],
  },
  {
    title: 'a boot sector on Windows',
    files: { 'boot.asm': 'org 0x7c00\nbits 16\n  hlt\n' },
    tool: 'nasm',
    run: ['(if not exist build mkdir build) && nasm -f bin -I. -o build\\boot.bin boot.asm'],
    include: ['build'],
    platform: 'win32',
  },
  { title: 'web pages at the root', files: { 'index.html': '', 'a/b.css': '' }, tool: 'static', run: [] },
  {
    title: 'web pages in public',
    files: { 'public/index.html': '', 'README.md': '' },
    tool: 'static',
    run: [],
    include: ['public'],
  },
];

describe('detection', () => {
  it.each(rows)('$title', async ({ files, tool, run, include = ['.'], start, programs, platform = 'linux' }) => {
    const root = await projectFolder(files);
    const plan = planSchema.parse(await detectPlan(await openProjectTree(root, platform)));
    expect(plan.tool).toBe(tool);
    expect(plan.steps.map(step => step.run)).toEqual(run);
    expect(plan.artifact.include).toEqual(include);
    expect(plan.start).toBe(start ?? null);
    if (programs !== undefined) expect(plan.requirements.map(({ program }) => program)).toEqual(programs);
    for (const { file, line, reason } of [...plan.evidence, ...plan.steps.flatMap(step => step.evidence)]) {
      if (line !== null) expect(Object.keys(files)).toContain(file);
      expect(reason).not.toBe('');
    }
    expect(new Set(plan.steps.map(({ id }) => id)).size).toBe(plan.steps.length);
  });

  it('points at the line of a script', async () => {
    const text = json({
      name: 'build',
      devDependencies: { build: '1' },
      scripts: { test: 'node t.js', build: 'node b.js' },
    });
    const root = await projectFolder({ 'package.json': text });
    const plan = await detectPlan(await openProjectTree(root));
    const line = text.split('\n').findIndex(row => row.includes('node b.js')) + 1;
    expect(plan?.steps.find(({ id }) => id === 'build')?.evidence).toEqual([
      { file: 'package.json', line, reason: 'the script "build"' },
    ]);
  });

  it('does not take GNU assembly for NASM', async () => {
    const root = await projectFolder({ 'start.s': '.globl _start\n.section .text\n_start:\n  mov $60, %eax\n' });
    const plan = await detectPlan(await openProjectTree(root, 'linux', 'x64'));
    expect(plan).toMatchObject({ tool: 'gas', requirements: [{ program: 'as' }, { program: 'ld' }] });
  });

  it('follows no link out of the repository', async () => {
    const outside = await projectFolder({ 'package.json': json(nodeApp), 'folder/index.html': '' });
    const root = await projectFolder({ 'README.md': '' });
    await symlink(join(outside, 'package.json'), join(root, 'package.json'));
    await symlink(join(outside, 'folder'), join(root, 'public'));
    expect((await openProjectTree(root)).files).toEqual(['README.md']);
    await expect(planFor(root)).rejects.toMatchObject({ code: 'plan.nothing_detected' });
  });
});

describe('planFor', () => {
  it('takes the pipeline file before what it would detect', async () => {
    const root = await projectFolder({ 'package.json': json(nodeApp), 'slipway.yml': 'steps:\n  - run: make\n' });
    expect((await planFor(root)).origin).toBe('pipeline');
  });

  it('says what to do where nothing is known', async () => {
    const root = await projectFolder({ 'README.md': 'words' });
    await expect(planFor(root)).rejects.toMatchObject({
      code: 'plan.nothing_detected',
      message: expect.stringContaining('write a slipway.yml'),
    });
  });

  it('tells an empty repository and a missing folder apart', async () => {
    const root = await projectFolder({});
    await mkdir(join(root, '.git'));
    await expect(planFor(root)).rejects.toMatchObject({ message: expect.stringContaining('no files') });
    await expect(planFor(join(root, 'gone'))).rejects.toMatchObject({ code: 'not_found' });
  });

  it('tells a package.json that is no JSON', async () => {
    const root = await projectFolder({ 'package.json': '{ "name": }' });
    await expect(planFor(root)).rejects.toMatchObject({
      code: 'plan.nothing_detected',
      message: expect.stringContaining('package.json cannot be read as JSON'),
    });
  });

  it('plans a package.json of odd shapes and a byte order mark', async () => {
    const odd = { name: 5, scripts: [1], dependencies: 'none', engines: '>=4', main: {}, packageManager: 7 };
    const root = await projectFolder({ 'package.json': `\uFEFF${json(odd)}` });
    expect(await planFor(root)).toMatchObject({ tool: 'node', steps: [] });
  });

  it.skipIf(process.platform === 'win32')('makes a C plan whose commands work here', async () => {
    const root = await projectFolder({
      Makefile: 'hello: hello.c\n\tcc -o $@ $<\ntest: hello\n\t./hello\n.PHONY: test\n',
      'hello.c': '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n',
    });
    const plan = await planFor(root);
    const outputs: string[] = [];
    for (const { run } of plan.steps) {
      outputs.push((await promisify(execFile)('/bin/sh', ['-c', run], { cwd: root })).stdout);
    }
    expect(outputs.at(-1)).toContain('hello');
  });
});
