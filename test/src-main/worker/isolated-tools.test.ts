/** Tools of version managers in real builds under bubblewrap: taken for what a file states, seen and working inside. */
import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { installedVersions, versionPlacesOf } from '../../../src-main/toolchains/version-folders.ts';
import { pipeline, startBuilds } from '../../support/builds.ts';
import { endsWithFile } from '../../support/for-this-file.ts';
import { hasBubblewrap } from '../../support/isolation.ts';

const onEnd = endsWithFile();
const pythons = (await installedVersions(versionPlacesOf(), 'python')).filter(({ manager }) => manager === 'pyenv');
const python = pythons.find(({ version }) => version.startsWith('3.') && version !== pythons[0]?.version);
const rustup = await access(join(homedir(), '.cargo/bin/rustup')).then(
  () =>
    access(join(homedir(), '.rustup/toolchains')).then(
      () => true,
      () => false,
    ),
  () => false,
);

describe.skipIf(!hasBubblewrap)('tools of the home folder under bubblewrap', () => {
  let builds: Awaited<ReturnType<typeof startBuilds>>;
  beforeAll(async () => {
    builds = await startBuilds({ onEnd, defaults: { isolation: 'auto' } });
  });

  async function logOf(files: Readonly<Record<string, string>>): Promise<string> {
    const repository = await builds.createRepository();
    const job = await builds.ended((await repository.push(files)).id);
    const log = stripVTControlCharacters(await builds.log(job));
    expect(job.status, log).toBe('succeeded');
    expect(log).toContain('isolation: bubblewrap\n');
    return log;
  }

  it.skipIf(python === undefined)('a Python of pyenv that .python-version states', async () => {
    const version = python?.version ?? '';
    const log = await logOf({
      '.python-version': `${version}\n`,
      'main.py': 'import sys, ssl, sqlite3\nprint("ran", sys.version.split()[0], sys.executable)\n',
      'slipway.yml': pipeline('python3 main.py'),
    });
    expect(log).toContain(`.python-version:1 asks for python3 ${version}: ${version} of pyenv is taken\n`);
    expect(log).toContain(`ran ${version} ${python?.folder}/python`);
  });

  it.skipIf(!rustup)('cargo of ~/.cargo/bin with the toolchains of ~/.rustup', async () => {
    const log = await logOf({
      'Cargo.toml': '[package]\nname = "skiff"\nversion = "0.1.0"\nedition = "2021"\n',
      'src/main.rs': 'fn main() { println!("skiff ran"); }\n',
      'slipway.yml': pipeline('cargo run --quiet'),
    });
    expect(log).toContain('skiff ran\n');
  });
});
