/** Finding tools on this machine, and what of the environment a step sees. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../../../src-main/contract/errors.ts';
import type { ToolRequirement } from '../../../src-main/contract/plan.ts';
import { installCommand } from '../../../src-main/toolchains/known-tools.ts';
import { resolveTools } from '../../../src-main/toolchains/resolve-tools.ts';
import { stepEnvironment } from '../../../src-main/toolchains/step-environment.ts';
import { versionPlacesOf } from '../../../src-main/toolchains/version-folders.ts';
import { projectFolder } from '../../support/project-folder.ts';

const need = (program: string): ToolRequirement => ({
  program,
  version: null,
  evidence: { file: 'package.json', line: 1, reason: 'a test' },
});

async function toolFolder(programs: Readonly<Record<string, string>>): Promise<string> {
  const scripts = Object.entries(programs).map(([name, body]) => [name, `#!/bin/sh\n${body}\n`]);
  const folder = await projectFolder(Object.fromEntries(scripts));
  for (const name of Object.keys(programs)) await chmod(join(folder, name), 0o755);
  return folder;
}

async function failureOf(promise: Promise<unknown>): Promise<DomainError> {
  const error: unknown = await promise.catch((thrown: unknown) => thrown);
  if (error instanceof DomainError) return error;
  throw new Error(`expected a DomainError, got ${String(error)}`);
}

describe('resolveTools', () => {
  it('finds the Node that runs this test, with its version', async () => {
    const folder = dirname(process.execPath);
    const { tools, pathEntries } = await resolveTools([need('node'), need('node')], folder);
    expect(tools).toEqual([{ name: 'node', version: process.versions.node, path: expect.stringContaining(folder) }]);
    expect(pathEntries).toEqual([]);
  });

  describe.skipIf(process.platform === 'win32')('with programs of its own', () => {
    it('looks in the usual places after the search path, and tells the folder', async () => {
      const onPath = await toolFolder({ make: 'echo GNU Make 4.3' });
      const elsewhere = await toolFolder({
        make: 'echo 9.9',
        go: '[ "$1" = version ] && echo go version go1.24.2 linux/amd64',
      });
      const { tools, pathEntries } = await resolveTools([need('make'), need('go')], onPath, 'linux', {
        folders: [elsewhere],
        versions: [],
      });
      expect(tools).toEqual([
        { name: 'make', version: '4.3', path: join(onPath, 'make') },
        { name: 'go', version: '1.24.2', path: join(elsewhere, 'go') },
      ]);
      expect(pathEntries).toEqual([elsewhere]);
    });

    it('names all that is missing in one error, with the command of this platform', async () => {
      const onPath = await toolFolder({ make: 'echo GNU Make 4.3' });
      const needs = ['make', 'nasm', 'go', 'slipway-no-such-tool'].map(need);
      const error = await failureOf(resolveTools(needs, onPath, 'linux', { folders: [], versions: [] }));
      expect(error.code).toBe('toolchain.missing');
      expect(error.details.missing).toEqual([
        { name: 'nasm', reason: 'is not installed', install: 'sudo apt-get install nasm' },
        { name: 'go', reason: 'is not installed', install: 'sudo apt-get install golang-go' },
        { name: 'slipway-no-such-tool', reason: 'is not installed', install: expect.stringContaining('PATH') },
      ]);
      for (const name of ['nasm', 'go', 'slipway-no-such-tool']) expect(error.message).toContain(name);
      expect(error.message).not.toContain('make');
    });

    it('takes a program that does not run for missing, or the next that does', async () => {
      const broken = await toolFolder({ go: 'exit 127', nasm: 'exit 1' });
      const working = await toolFolder({ go: 'echo go1.24.2' });
      const { tools } = await resolveTools([need('go')], broken, 'linux', { folders: [working], versions: [] });
      expect(tools[0]?.path).toBe(join(working, 'go'));
      const error = await failureOf(resolveTools([need('nasm')], broken, 'linux', { folders: [], versions: [] }));
      expect(error.message).toContain(`does not run with ${join(broken, 'nasm')}`);
    });

    it('asks the Python that the steps call for pip, and no other', async () => {
      const first = await toolFolder({ python3: '[ "$1" = -m ] && exit 1; echo Python 3.13.1' });
      const second = await toolFolder({ python3: 'echo pip 25.1' });
      const error = await failureOf(
        resolveTools([need('python3'), need('pip')], `${first}:${second}`, 'linux', { folders: [], versions: [] }),
      );
      expect(error.details.missing).toMatchObject([{ name: 'pip' }]);
    });

    it('takes the version that a file states where one is kept, with what comes with it', async () => {
      const onPath = await toolFolder({ node: 'echo v20.1.0', npm: 'echo 9.0.0', go: 'echo go version go1.19.8' });
      const home = await projectFolder({});
      for (const [version, npm] of [
        ['v18.2.0', '8.0.0'],
        ['v22.4.1', '10.2.0'],
        ['v22.9.0', '10.8.0'],
      ] as const) {
        const folder = join(home, '.nvm/versions/node', version, 'bin');
        await mkdir(folder, { recursive: true });
        // What is newest does not run here, so it is not taken.
        const body = version === 'v22.9.0' ? 'exit 1' : `echo ${version}`;
        await writeFile(join(folder, 'node'), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
        await writeFile(join(folder, 'npm'), `#!/bin/sh\necho ${npm}\n`, { mode: 0o755 });
      }
      const places = { folders: [], versions: versionPlacesOf('linux', home, {}, home) };
      const stated = { ...need('node'), version: '22', evidence: { file: '.nvmrc', line: 1, reason: 'a test' } };
      const taken = join(home, '.nvm/versions/node/v22.4.1/bin');
      const resolved = await resolveTools([need('npm'), stated], onPath, 'linux', places);
      expect(resolved).toEqual({
        tools: [
          { name: 'npm', version: '10.2.0', path: join(taken, 'npm') },
          { name: 'node', version: '22.4.1', path: join(taken, 'node') },
        ],
        pathEntries: [taken],
        variables: {},
        remarks: [{ text: '.nvmrc:1 asks for node 22: 22.4.1 of nvm is taken', isWarning: false }],
      });
      // What is on the path is kept where it will do, or where nothing better is here.
      const inRange = await resolveTools([{ ...stated, version: '>=18' }], onPath, 'linux', places);
      expect(inRange).toMatchObject({ tools: [{ version: '20.1.0' }], pathEntries: [], remarks: [] });
      const go = { ...need('go'), version: '1.22', evidence: { file: 'go.mod', line: 3, reason: 'a test' } };
      expect((await resolveTools([go], onPath, 'linux', places)).remarks).toEqual([
        { text: `go.mod:3 asks for go 1.22, found 1.19.8 at ${join(onPath, 'go')}`, isWarning: true },
      ]);
      const named = await resolveTools([{ ...stated, version: 'lts/iron' }], onPath, 'linux', places);
      expect(named.remarks[0]?.text).toContain('asks for node lts/iron, which is not compared: found 20.1.0');
      // Without one on the path, as in a desktop session: the newest that runs.
      const alone = await resolveTools([need('node')], '/nowhere', 'linux', places);
      expect(alone).toMatchObject({ tools: [{ version: '22.4.1' }], pathEntries: [taken] });
    });

    it('sets JAVA_HOME for the Java that it takes, since Maven goes by it', async () => {
      const onPath = await toolFolder({ javac: 'echo javac 17.0.1' });
      const root = await toolFolder({});
      const home = join(root, '.sdkman/candidates/java/21.0.2-tem');
      await mkdir(join(home, 'bin'), { recursive: true });
      await writeFile(join(home, 'bin/javac'), '#!/bin/sh\necho javac 21.0.2\n', { mode: 0o755 });
      const stated = { ...need('javac'), version: '21', evidence: { file: 'pom.xml', line: 9, reason: 'a test' } };
      const places = { folders: [], versions: versionPlacesOf('linux', root, {}, root) };
      expect((await resolveTools([stated], onPath, 'linux', places)).variables).toEqual({ JAVA_HOME: home });
    });

    it('is an error before anything runs where the tool is sure to refuse', async () => {
      const onPath = await toolFolder({ cmake: 'echo cmake version 3.16.3' });
      const stated = {
        ...need('cmake'),
        version: '3.25',
        evidence: { file: 'CMakeLists.txt', line: 1, reason: 'a test' },
      };
      const error = await failureOf(resolveTools([stated], onPath, 'linux', { folders: [], versions: [] }));
      expect(error.code).toBe('toolchain.version');
      expect(error.message).toContain('CMakeLists.txt:1 asks for cmake 3.25');
      expect(error.message).toContain('sudo apt-get install cmake');
    });

    it('searches no relative folder, where a repository could leave its own program', async () => {
      const error = await failureOf(resolveTools([need('make')], ':.:bin', 'linux', { folders: [], versions: [] }));
      expect(error.code).toBe('toolchain.missing');
    });

    it('refuses a program that is a path', async () => {
      const folder = await toolFolder({ tool: 'echo 1.0' });
      await expect(
        resolveTools([need('../tool')], join(folder, 'x'), 'linux', { folders: [], versions: [] }),
      ).rejects.toBeInstanceOf(DomainError);
    });

    it('runs version commands without the secrets of this process', async () => {
      const folder = await toolFolder({ make: 'echo "1.0-$SLIPWAY_TEST_SECRET"' });
      process.env.SLIPWAY_TEST_SECRET = 'leaked';
      try {
        const { tools } = await resolveTools([need('make')], folder, 'linux', { folders: [], versions: [] });
        expect(tools[0]?.version).toBe('1.0');
      } finally {
        delete process.env.SLIPWAY_TEST_SECRET;
      }
    });
  });

  it('knows the installer of each platform', () => {
    expect(installCommand('nasm', 'darwin')).toBe('brew install nasm');
    expect(installCommand('nasm', 'win32')).toBe('winget install --exact --id NASM.NASM');
    expect(installCommand('cc', 'darwin')).toBe('xcode-select --install');
    expect(installCommand('cargo', 'linux')).toContain('https://sh.rustup.rs');
    expect(installCommand('constructor', 'linux')).toBe('install constructor and put it on the PATH');
  });
});

describe('stepEnvironment', () => {
  it('passes what is allowed on POSIX, and nothing else', () => {
    const host = {
      PATH: '/usr/bin:/bin',
      HOME: '/home/a',
      LANG: 'C.UTF-8',
      LC_ALL: 'C',
      TMPDIR: '/t',
      SHELL: '/bin/sh',
      HTTPS_PROXY: 'http://proxy:3128',
      CARGO_HOME: '/cargo',
      AWS_SECRET_ACCESS_KEY: 'x',
      GITHUB_TOKEN: 'x',
      SSH_AUTH_SOCK: '/s',
      SLIPWAY_DATA: '/data',
      SLIPWAY_MASTER_KEY: 'x',
      NODE_OPTIONS: '--require x',
      NODE_CHANNEL_FD: '3',
      ELECTRON_RUN_AS_NODE: '1',
      npm_config_registry: 'x',
      npm_lifecycle_event: 'start',
      LD_PRELOAD: 'x',
      EMPTY: undefined,
    };
    expect(stepEnvironment(host, {}, {}, {}, [], 'linux')).toEqual({
      PATH: '/usr/bin:/bin',
      HOME: '/home/a',
      LANG: 'C.UTF-8',
      LC_ALL: 'C',
      TMPDIR: '/t',
      SHELL: '/bin/sh',
      HTTPS_PROXY: 'http://proxy:3128',
      CARGO_HOME: '/cargo',
      CI: 'true',
      FORCE_COLOR: '1',
      SLIPWAY: 'true',
    });
  });

  it('passes what Windows needs, whatever its letters, and keeps one PATH', () => {
    const host = {
      Path: 'C:\\Windows',
      SystemRoot: 'C:\\Windows',
      ComSpec: 'cmd',
      'ProgramFiles(x86)': 'P',
      HOME: 'x',
      NODE_OPTIONS: 'x',
    };
    expect(stepEnvironment(host, { PATH: 'C:\\Tools' }, {}, {}, ['C:\\Go\\bin'], 'win32')).toEqual({
      Path: 'C:\\Go\\bin;C:\\Tools',
      SystemRoot: 'C:\\Windows',
      ComSpec: 'cmd',
      'ProgramFiles(x86)': 'P',
      CI: 'true',
      FORCE_COLOR: '1',
      SLIPWAY: 'true',
    });
  });

  it('lets the step go over the plan, the secrets over both, and the found tools before all', () => {
    const environment = stepEnvironment(
      { PATH: '/bin' },
      { A: 'plan', B: 'plan', C: 'plan', NODE_OPTIONS: '--max-old-space-size=4096', SLIPWAY: 'no' },
      { B: 'step', C: 'step' },
      { C: 'secret' },
      ['/cargo/bin', '/bin'],
      'linux',
    );
    expect(environment).toMatchObject({ A: 'plan', B: 'step', C: 'secret', SLIPWAY: 'true', PATH: '/cargo/bin:/bin' });
    expect(environment.NODE_OPTIONS).toBe('--max-old-space-size=4096');
  });

  it('leaves colours off where the plan says so', () => {
    const environment = stepEnvironment({}, { NO_COLOR: '1' }, {}, {}, [], 'linux');
    expect(environment).not.toHaveProperty('FORCE_COLOR');
  });
});
