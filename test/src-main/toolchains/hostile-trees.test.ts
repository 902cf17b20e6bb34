/** Trees that were made to hurt a planner: each ends in a plan or in a plain error, and nothing of it speaks to a terminal. */
import { execFileSync } from 'node:child_process';
import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../../../src-main/contract/errors.ts';
import { planFor } from '../../../src-main/toolchains/plan.ts';
import { projectFolder } from '../../support/project-folder.ts';

/** Every file that some rule opens. */
const manifests = [
  '.dvmrc',
  '.java-version',
  '.mvn/wrapper/maven-wrapper.properties',
  '.nvmrc',
  '.python-version',
  '.sdkmanrc',
  '.tool-versions',
  'App.csproj',
  'CMakeLists.txt',
  'Cargo.toml',
  'Gemfile',
  'Makefile',
  'Package.swift',
  'Pipfile',
  'Procfile',
  'app.py',
  'build.gradle',
  'build.zig',
  'composer.json',
  'configure.ac',
  'cpanfile',
  'deno.json',
  'dune-project',
  'gleam.toml',
  'global.json',
  'go.mod',
  'gradle/wrapper/gradle-wrapper.properties',
  'main.asm',
  'main.go',
  'main.py',
  'main.s',
  'manage.py',
  'meson.build',
  'mise.toml',
  'mix.exs',
  'package.json',
  'pom.xml',
  'prog.cabal',
  'pyproject.toml',
  'rebar.config',
  'requirements.txt',
  'rust-toolchain.toml',
  'setup.py',
  'slipway.yml',
  'src/main.rs',
  'stack.yaml',
  'start.sh',
  'system.properties',
  'vite.config.ts',
] as const;

/** The text of the plan, or of the error that there is none. Anything but a DomainError fails the test. */
async function outcome(root: string): Promise<string> {
  try {
    return JSON.stringify(await planFor(root));
  } catch (error) {
    if (error instanceof DomainError) return JSON.stringify(error.toView());
    throw error;
  }
}

const long = 200_000;
const fill = (unit: string) => unit.repeat(Math.floor(long / unit.length));

const hurtful: Readonly<Record<string, string | Buffer>> = {
  'brackets without end': fill('['),
  'braces without end': fill('{"a":'),
  'an entity bomb': `<?xml version="1.0"?><!DOCTYPE p [<!ENTITY a "${'x'.repeat(1_000)}">${Array.from({ length: 40 }, (_, index) => `<!ENTITY e${index} "${`&${index === 0 ? 'a' : `e${index - 1}`};`.repeat(10)}">`).join('')}]><project>&e39;</project>`,
  'an alias bomb': `a0: &a0 [x]\n${Array.from({ length: 60 }, (_, index) => `a${index + 1}: &a${index + 1} [*a${index}, *a${index}, *a${index}]`).join('\n')}\n`,
  'a hundred thousand keys': Array.from({ length: 60_000 }, (_, index) => `k${index} = ${index}`).join('\n'),
  'one long line of blanks': fill(' '),
  'one long line of tabs and quotes': fill('\t"'),
  'one long word': fill('a'),
  'line feeds': fill('\n'),
  'carriage returns': fill('\r'),
  'dashes and dots': fill('-.'),
  'half an assignment without end': fill('python = '),
  'sections without end': fill('[tool.poetry.dependencies]\n'),
  'the beginning of settings, repeated': fill('"volta":{'),
  'an SDK, repeated': fill('"sdk" : {'),
  'tags without end': fill('<plugin><artifactId>'),
  'tags with blanks': fill('<java.version> '),
  'comments that do not end': fill('/* '),
  'strings that do not end': fill("'\\"),
  'dependencies without end': fill('dependencies = ["a", '),
  'targets without end': fill('a b c d: '),
  'words with blanks': fill('app = F '),
  'functions without end': fill('def f(\n'),
  'NUL bytes': Buffer.alloc(long),
  'bytes that are no UTF-8': Buffer.alloc(long, 0xfe),
  'UTF-16': Buffer.from('\uFEFF{"name":"x","scripts":{"build":"tsc"}}', 'utf16le'),
  'a byte order mark alone': Buffer.from([0xef, 0xbb, 0xbf]),
  nothing: '',
};

/** Far above what any of them takes, far below what a regular expression that backtracks would. */
const patienceMs = 60_000;

describe('a plan is made, or refused in words, of manifests that hold', () => {
  it.each(Object.entries(hurtful))('%s', { timeout: patienceMs }, async (_title, content) => {
    for (const manifest of manifests) {
      const root = await projectFolder({});
      await mkdir(dirname(join(root, manifest)), { recursive: true });
      await writeFile(join(root, manifest), content);
      expect(await outcome(root)).not.toContain('call stack');
    }
  });

  it('all of it at once', { timeout: patienceMs }, async () => {
    const root = await projectFolder(Object.fromEntries(manifests.map(name => [name, fill('{[<"a" = ')])));
    await outcome(root);
  });

  it('50 MB', { timeout: patienceMs }, async () => {
    const root = await projectFolder(Object.fromEntries(manifests.map(name => [name, '{'])));
    for (const manifest of manifests) await truncate(join(root, manifest), 50 * 1024 * 1024);
    await outcome(root);
  });
});

describe('no name and no text of a tree', () => {
  it('breaks the planner, whatever it is', { timeout: patienceMs }, async () => {
    const piece = fc.constantFrom(
      '[',
      ']',
      '{',
      '}',
      '"',
      "'",
      ':',
      '=',
      '\n',
      ' ',
      '<',
      '>',
      '/',
      '$',
      '`',
      ';',
      '\u001b[2J',
      '\0',
      'name',
      'scripts',
      'build',
      'version',
      '1.2',
      'project',
      'dependencies',
      'steps',
      'run',
      '&a',
      '*a',
      '!!',
      '|',
      '-',
      '#',
      '\\',
      '\u202e',
      '\ud800',
    );
    const text = fc.array(piece, { maxLength: 60 }).map(parts => parts.join(''));
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.constantFrom(...manifests), text, { minKeys: 1, maxKeys: 6 }), async files => {
        const known = await outcome(await projectFolder({ ...files }));
        expect(JSON.parse(known)).toBeTypeOf('object');
      }),
      { numRuns: 300 },
    );
  });
});

describe.skipIf(process.platform === 'win32')('a file system that was made to hurt', () => {
  it('with folders, links that go in circles and pipes in place of manifests is planned around them', async () => {
    for (const manifest of manifests) {
      const root = await projectFolder({ 'index.html': '' });
      await mkdir(join(root, manifest), { recursive: true });
      const found = await outcome(root);
      if (manifest !== 'slipway.yml') expect(JSON.parse(found)).toMatchObject({ tool: 'static' });
    }
    const root = await projectFolder({ 'index.html': '', 'a/b/c.txt': '' });
    await symlink('..', join(root, 'a/b/up'));
    await symlink('self', join(root, 'self'));
    await symlink('/etc/passwd', join(root, 'package.json'));
    execFileSync('mkfifo', [join(root, 'Makefile'), join(root, 'go.mod')]);
    expect(JSON.parse(await outcome(root))).toMatchObject({ tool: 'static' });
  });

  it('with a pipe as pipeline file is refused, and not waited for', async () => {
    const root = await projectFolder({ 'index.html': '' });
    execFileSync('mkfifo', [join(root, 'slipway.yml')]);
    expect(JSON.parse(await outcome(root))).toMatchObject({ code: 'pipeline.invalid' });
  });

  it('with names that speak to a terminal says nothing of them', async () => {
    const evil = '\u001b]0;owned\u0007\u001b[2J';
    const root = await projectFolder({
      [`${evil}.csproj`]: '<Project/>',
      [`db/${evil}/V1__a.sql`]: '',
      'a\nb/package.json': '{}',
      'index.html': '',
    });
    await writeFile(
      Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x66, 0xff, 0xfe]), Buffer.from('.csproj')]),
      '',
    );
    const found = await outcome(root);
    expect(JSON.parse(found)).toMatchObject({ tool: 'static' });
    expect(found).not.toContain('owned');
  });
});
