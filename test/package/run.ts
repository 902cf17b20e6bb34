/** Owns `npm run test:package`: packs the headless package, installs it globally into an empty folder, and runs the demo from there. Needs the npm registry. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const isWindows = process.platform === 'win32';

function run(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolveRun, reject) => {
    // On Windows npm and what it installs are command files, which only a shell starts; no argument here needs quoting.
    const child = spawn(command, [...args], { cwd, env, shell: isWindows, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.once('error', reject);
    child.once('close', exitCode => {
      if (exitCode === 0) resolveRun(said);
      else reject(new Error(`${command} ${args.join(' ')} ended with ${exitCode}:\n${said.slice(-4_000)}`));
    });
  });
}

const folder = await mkdtemp(join(await realpath(tmpdir()), 'slipway-package-'));
try {
  const home = join(folder, 'home');
  await mkdir(home);
  // Node stays in reach, and nothing of this tree.
  const env = { ...process.env, HOME: home, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) };
  await run('npm', ['pack', '--pack-destination', folder], root, env);
  const tarball = (await readdir(folder)).find(name => name.endsWith('.tgz'));
  if (!tarball) throw new Error('npm pack made no package.');
  const prefix = join(folder, 'global');
  await mkdir(prefix);
  await run('npm', ['install', '--global', '--prefix', prefix, join(folder, tarball)], folder, env);
  const installed = join(prefix, isWindows ? 'node_modules' : 'lib/node_modules', 'slipway');
  const slipway = isWindows ? join(prefix, 'slipway.cmd') : join(prefix, 'bin/slipway');
  const version = (await run(slipway, ['--version'], folder, env)).trim();
  const unit = await readFile(join(installed, 'resources/packaging/slipway.service'), 'utf8');
  if (!unit.includes('slipway serve')) throw new Error('The systemd unit is not in the package.');
  const demo: unknown = JSON.parse(await run(slipway, ['demo', '--json'], folder, env));
  if (typeof demo !== 'object' || demo === null || Reflect.get(demo, 'succeeded') !== true) {
    throw new Error(`The demo did not hold: ${JSON.stringify(demo).slice(0, 2_000)}`);
  }
  console.log(`slipway ${version}: packed, installed globally in an empty folder, and its demo holds.`);
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
