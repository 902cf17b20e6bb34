/** Version folders of each system, in made-up trees: managers, installers, Homebrew, and the system's own. */
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { installedVersions, type ToolFamily, versionPlacesOf } from '../../../src-main/toolchains/version-folders.ts';
import { projectFolder } from '../../support/project-folder.ts';

/** `version of manager in folder`, with folders below the tree's. */
async function found(
  root: string,
  platform: NodeJS.Platform,
  family: ToolFamily,
  env: NodeJS.ProcessEnv = {},
): Promise<string[]> {
  const places = versionPlacesOf(platform, join(root, 'home'), env, join(root, 'system'));
  const versions = await installedVersions(places, family);
  return versions.map(({ manager, version, folder }) => {
    return `${version} of ${manager} in ${folder.slice(root.length + 1).replaceAll('\\', '/')}`;
  });
}

const emptyFiles = (...paths: string[]) => projectFolder(Object.fromEntries(paths.map(path => [path, ''])));

describe('the version folders', () => {
  it('of Linux, the newest first, each once', async () => {
    const root = await emptyFiles(
      'home/.nvm/versions/node/v9.11.2/bin/node',
      'home/.nvm/versions/node/v22.4.1/bin/node',
      'home/.nvm/versions/node/broken/bin/node',
      'home/.nvm/versions/node/v23.0.0/README',
      'home/.local/share/fnm/node-versions/v20.1.0/installation/bin/node',
      'home/.volta/tools/image/node/18.2.0/bin/node',
      'home/.asdf/installs/nodejs/16.0.0/bin/node',
      'home/.local/share/mise/installs/node/21.0.0/bin/node',
      'home/.asdf/installs/golang/1.22.3/go/bin/go',
      'home/sdk/go1.23.0/bin/go',
      'system/usr/lib/go-1.19/bin/go',
      'home/.pyenv/versions/3.12.1/bin/python3',
      'home/.pyenv/versions/pypy3.10-7.3.12/bin/python3',
      'home/.local/share/uv/python/cpython-3.13.2-linux-x86_64-gnu/bin/python3',
      'home/.rustup/toolchains/1.80.0-x86_64-unknown-linux-gnu/bin/cargo',
      'home/.rustup/toolchains/stable-x86_64-unknown-linux-gnu/bin/cargo',
      'home/.sdkman/candidates/java/21.0.2-tem/bin/java',
      'home/.sdkman/candidates/maven/3.9.6/bin/mvn',
      'system/usr/lib/jvm/java-17-openjdk-amd64/bin/java',
      'system/usr/lib/jvm/temurin-8-jdk-amd64/bin/java',
    );
    await symlink('21.0.0', join(root, 'home/.local/share/mise/installs/node/21'));
    expect(await found(root, 'linux', 'node')).toEqual([
      '22.4.1 of nvm in home/.nvm/versions/node/v22.4.1/bin',
      '21.0.0 of mise in home/.local/share/mise/installs/node/21.0.0/bin',
      '20.1.0 of fnm in home/.local/share/fnm/node-versions/v20.1.0/installation/bin',
      '18.2.0 of volta in home/.volta/tools/image/node/18.2.0/bin',
      '16.0.0 of asdf in home/.asdf/installs/nodejs/16.0.0/bin',
      '9.11.2 of nvm in home/.nvm/versions/node/v9.11.2/bin',
    ]);
    expect(await found(root, 'linux', 'go')).toEqual([
      '1.23.0 of go.dev in home/sdk/go1.23.0/bin',
      '1.22.3 of asdf in home/.asdf/installs/golang/1.22.3/go/bin',
      '1.19 of the system in system/usr/lib/go-1.19/bin',
    ]);
    expect(await found(root, 'linux', 'python')).toEqual([
      '3.13.2 of uv in home/.local/share/uv/python/cpython-3.13.2-linux-x86_64-gnu/bin',
      '3.12.1 of pyenv in home/.pyenv/versions/3.12.1/bin',
    ]);
    expect(await found(root, 'linux', 'rust')).toEqual([
      '1.80.0 of rustup in home/.rustup/toolchains/1.80.0-x86_64-unknown-linux-gnu/bin',
    ]);
    expect(await found(root, 'linux', 'maven')).toEqual(['3.9.6 of SDKMAN in home/.sdkman/candidates/maven/3.9.6/bin']);
    expect((await found(root, 'linux', 'java')).map(line => line.split(' ')[0])).toEqual(['21.0.2-tem', '17', '8']);
  });

  it('of macOS', async () => {
    const root = await emptyFiles(
      'system/opt/homebrew/opt/node@20/bin/node',
      'system/opt/homebrew/opt/openjdk@17/bin/java',
      'system/opt/homebrew/opt/python@3.12/bin/python3.12',
      'system/opt/homebrew/opt/python@3.12/libexec/bin/python3',
      'system/Library/Java/JavaVirtualMachines/temurin-21.jdk/Contents/Home/bin/java',
      'system/Library/Frameworks/Python.framework/Versions/3.13/bin/python3',
      'home/Library/Application Support/fnm/node-versions/v22.1.0/installation/bin/node',
    );
    expect(await found(root, 'darwin', 'node')).toEqual([
      '22.1.0 of fnm in home/Library/Application Support/fnm/node-versions/v22.1.0/installation/bin',
      '20 of Homebrew in system/opt/homebrew/opt/node@20/bin',
    ]);
    expect(await found(root, 'darwin', 'java')).toEqual([
      '21 of the system in system/Library/Java/JavaVirtualMachines/temurin-21.jdk/Contents/Home/bin',
      '17 of Homebrew in system/opt/homebrew/opt/openjdk@17/bin',
    ]);
    expect(await found(root, 'darwin', 'python')).toEqual([
      '3.13 of Python in system/Library/Frameworks/Python.framework/Versions/3.13/bin',
      '3.12 of Homebrew in system/opt/homebrew/opt/python@3.12/libexec/bin',
    ]);
  });

  it('of Windows, where the variables say that they lie', async () => {
    const root = await emptyFiles(
      'roaming/nvm/v20.1.0/node.exe',
      'local/Volta/tools/image/node/22.0.0/node.exe',
      'local/Programs/Python/Python312/python.exe',
      'home/.pyenv/pyenv-win/versions/3.10.11/python.exe',
      'programs/Eclipse Adoptium/jdk-21.0.2.13-hotspot/bin/java.exe',
      'programs/Java/jdk-17/bin/java.exe',
      'home/sdk/go1.22.0/bin/go.exe',
    );
    const env = {
      APPDATA: join(root, 'roaming'),
      LOCALAPPDATA: join(root, 'local'),
      ProgramFiles: join(root, 'programs'),
    };
    expect(await found(root, 'win32', 'node', env)).toEqual([
      '22.0.0 of volta in local/Volta/tools/image/node/22.0.0',
      '20.1.0 of nvm in roaming/nvm/v20.1.0',
    ]);
    expect(await found(root, 'win32', 'python', env)).toEqual([
      '3.12 of Python in local/Programs/Python/Python312',
      '3.10.11 of pyenv in home/.pyenv/pyenv-win/versions/3.10.11',
    ]);
    expect(await found(root, 'win32', 'java', env)).toEqual([
      '21.0.2.13 of Eclipse Adoptium in programs/Eclipse Adoptium/jdk-21.0.2.13-hotspot/bin',
      '17 of Java in programs/Java/jdk-17/bin',
    ]);
    expect(await found(root, 'win32', 'go', env)).toEqual(['1.22.0 of go.dev in home/sdk/go1.22.0/bin']);
    expect(await found(root, 'win32', 'node')).toEqual([]);
  });

  it('go where a variable moves them, unless it is relative: that would be in the checkout', async () => {
    const root = await emptyFiles(
      'elsewhere/versions/node/v20.0.0/bin/node',
      'elsewhere/installs/nodejs/18.0.0/bin/node',
    );
    const elsewhere = join(root, 'elsewhere');
    expect(await found(root, 'linux', 'node', { NVM_DIR: elsewhere, ASDF_DATA_DIR: elsewhere })).toEqual([
      '20.0.0 of nvm in elsewhere/versions/node/v20.0.0/bin',
      '18.0.0 of asdf in elsewhere/installs/nodejs/18.0.0/bin',
    ]);
    expect(versionPlacesOf('linux', '/home/a', { NVM_DIR: 'elsewhere' })[0]?.folder).toBe(
      join('/home/a', '.nvm/versions/node'),
    );
  });
});
