/** Owns `npm run package`: the installers, made by electron-builder; without Electron's binary, everything up to the place where it is needed. */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIfStale } from './build-if-stale.ts';
import { installedElectron } from './electron-binary.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const electron = join(root, 'node_modules/electron/dist');

/** Runs electron-builder; what it says is kept where it is known beforehand that it will stop. */
function build(
  args: readonly string[],
  isShown: boolean,
): Promise<{ readonly exitCode: number; readonly said: string }> {
  return new Promise((resolve, reject) => {
    const program = join(root, 'node_modules/electron-builder/cli.js');
    const config = ['--config', 'resources/packaging/electron-builder.yml'];
    const child = spawn(process.execPath, [program, ...config, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (isShown) process.stderr.write(chunk);
      });
    }
    child.once('error', reject);
    child.once('close', exitCode => resolve({ exitCode: exitCode ?? 1, said }));
  });
}

try {
  await buildIfStale(root, line => process.stderr.write(`${line}\n`));
  const isThere = (await installedElectron(root, process.env)) !== null;
  const { exitCode, said } = await build(process.argv.slice(2), isThere);
  // It names the folder of Electron as what is missing; anything else is told as it is.
  if (!isThere && said.includes('electronDist')) {
    process.stderr.write(
      `slipway: The app is put together up to Electron itself, whose binary is missing in ${electron}. Run "node node_modules/electron/install.js".\n`,
    );
  } else if (!isThere) process.stderr.write(said);
  process.exitCode = exitCode;
} catch (error) {
  process.stderr.write(`slipway: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
