import { resolve } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'electron-vite';

const at = (path: string) => resolve(import.meta.dirname, path);

/** Every program of the engine is an entry of its own, since each runs in its own process or thread. */
export default defineConfig({
  main: {
    build: {
      outDir: 'out/main',
      rollupOptions: {
        input: {
          main: at('src-main/main.ts'),
          cli: at('src-main/cli.ts'),
          worker: at('src-main/worker/worker-main.ts'),
          swarm: at('src-main/swarm/swarm-main.ts'),
          'backup-thread': at('src-main/backup/backup-thread.ts'),
          'hash-thread': at('src-main/artifacts/hash-thread.ts'),
          'pack-thread': at('src-main/artifacts/pack-thread.ts'),
          'plan-thread': at('src-main/toolchains/plan-thread.ts'),
          'scan-thread': at('src-main/artifacts/scan-thread.ts'),
          'unpack-thread': at('src-main/artifacts/unpack-thread.ts'),
          'database-thread': at('src-main/database/database-thread.ts'),
          'checkup-thread': at('src-main/worker/checkup-thread.ts'),
        },
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
      },
      externalizeDeps: true,
      minify: false,
      sourcemap: true,
    },
  },
  preload: {
    build: {
      outDir: 'out/preload',
      // A sandboxed preload is CommonJS. Source: https://www.electronjs.org/docs/latest/tutorial/esm
      rollupOptions: {
        input: { preload: at('src-main/preload.ts') },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: at('src-renderer'),
    plugins: [react()],
    build: {
      outDir: at('out/renderer'),
      // The page's policy allows fonts from files only.
      assetsInlineLimit: 0,
      rollupOptions: { input: { index: at('src-renderer/index.html') } },
    },
  },
});
