/** Owns `npm run -s slipway -- …`: the built command line on what the tree holds now. */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIfStale } from './start/build-if-stale.ts';
import { runToEnd } from './start/run-child.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const say = (line: string) => void process.stderr.write(`${line}\n`);

try {
  await buildIfStale(root, say);
  const program = join(root, 'out/main/cli.js');
  process.exitCode = await runToEnd(spawn(process.execPath, [program, ...process.argv.slice(2)], { stdio: 'inherit' }));
} catch (error) {
  say(`slipway: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
