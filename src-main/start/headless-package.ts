/** Owns what `npm pack` adds and takes away again: the lock file as npm-shrinkwrap.json, which alone carries our overrides to who installs it. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIfStale } from './build-if-stale.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const shrinkwrap = join(root, 'npm-shrinkwrap.json');

interface Lock {
  packages: Record<string, { dev?: boolean; devOptional?: boolean; devDependencies?: object }>;
}

/** The lock without what only the tree's own development needs. */
function productionLock(text: string): string {
  const lock: Lock = JSON.parse(text);
  const packages = Object.entries(lock.packages).filter(([, entry]) => entry.dev !== true);
  for (const [path, entry] of packages) if (path === '') delete entry.devDependencies;
  return `${JSON.stringify({ ...lock, packages: Object.fromEntries(packages) }, null, 2)}\n`;
}

if (process.argv[2] === 'after') {
  rmSync(shrinkwrap, { force: true });
} else {
  await buildIfStale(root, line => process.stderr.write(`${line}\n`));
  writeFileSync(shrinkwrap, productionLock(readFileSync(join(root, 'package-lock.json'), 'utf8')));
}
