/** Owns the measured program as it is shipped: bundled, as Node runs it without reading TypeScript in each thread. */
import { resolve } from 'node:path';
import { build } from 'vite';

const root = resolve(import.meta.dirname, '../../..');
const artifacts = (name: string) => resolve(root, 'src-main/artifacts', `${name}.ts`);

/** Bundles as `npm run build` does, with the threads beside it, in a second or two; returns the path of the program. */
export async function buildMeasured(): Promise<string> {
  const outDir = resolve(root, 'out/bench/pack');
  const threads = ['hash-thread', 'pack-thread', 'scan-thread', 'unpack-thread'];
  await build({
    configFile: false,
    root,
    logLevel: 'error',
    build: {
      ssr: true,
      outDir,
      emptyOutDir: true,
      minify: false,
      rollupOptions: {
        input: {
          measured: resolve(import.meta.dirname, 'measured.ts'),
          ...Object.fromEntries(threads.map(name => [name, artifacts(name)])),
        },
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
      },
    },
  });
  return resolve(outDir, 'measured.js');
}
