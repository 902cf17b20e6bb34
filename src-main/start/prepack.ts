/** Owns what `npm pack` does first: the package holds the build of what the tree holds now. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIfStale } from './build-if-stale.ts';

await buildIfStale(
  dirname(dirname(dirname(fileURLToPath(import.meta.url)))),
  line => void process.stderr.write(`${line}\n`),
);
