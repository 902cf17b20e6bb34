import { defineConfig } from 'vitest/config';

/**
 * Three projects: `unit` answers in seconds and needs no build; `crash` kills processes, cuts the power and fills disks;
 * `e2e` drives the built product and a real browser.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/src-main/**/*.test.ts', 'test/src-renderer/**/*.test.ts'],
          // No test waits for these: they end what hangs, also on a machine that is busy with other things.
          testTimeout: 240_000,
          hookTimeout: 240_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'crash',
          include: ['test/crash/**/*.test.ts', 'test/power-loss/**/*.test.ts', 'test/faults/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 1_800_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          // Each file is one journey; after so many failures the rest only waits in vain.
          bail: 5,
        },
      },
    ],
  },
});
