#!/usr/bin/env node
/** The Node entry: `slipway …`. Makes sure of a Node that has what is needed, then hands over; must import nothing that an older one lacks. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The line that is tested, and the one inside Electron; older ones lack zstd or a thread's own processor time. */
const needed = [24, 0] as const;

function isRecentEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > needed[0] || (major === needed[0] && minor >= needed[1]);
}

/** The Node that the `node` package brings, in the nearest node_modules; null where it was not installed. */
function bundledNode(): string | null {
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules/node/bin', name);
    if (existsSync(candidate)) return candidate;
    if (dirname(folder) === folder) return null;
  }
}

if (isRecentEnough(process.versions.node)) {
  const { runCommandLine } = await import('./cli/command-line.ts');
  await runCommandLine();
} else {
  const node = bundledNode();
  if (node) {
    const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
    process.exitCode = await new Promise<number>(resolve => child.once('exit', exitCode => resolve(exitCode ?? 1)));
  } else {
    process.stderr.write(
      `slipway: Node ${needed.join('.')} or newer is needed; this is ${process.versions.node}. Install a newer Node, or run "npm ci" in the project.\n`,
    );
    process.exitCode = 1;
  }
}
