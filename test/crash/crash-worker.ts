/** Owns the worker process of a crash history: the product's own, with one module in another's place, the body of a job. */
import { flushCompileCache, registerHooks } from 'node:module';
import { armKillPoint } from './kill-points.ts';

/** Some three transactions of a job: claim, steps, end. */
const maxPoints = 60;

registerHooks({
  resolve(specifier, context, nextResolve) {
    if (!specifier.endsWith('/run-job.ts')) return nextResolve(specifier, context);
    return { url: new URL('./job-body.ts', import.meta.url).href, shortCircuit: true };
  },
});
process.on('SIGUSR2', () => armKillPoint(1 + Math.floor(Math.random() * maxPoints)));
await import('../../src-main/worker/worker-main.ts');
// Else it is written at an orderly end, to which few of these processes come.
flushCompileCache();
