/** Owns `npm run test:crash -- [--kills N] [--jobs N] [--seed N]`: one crash history with its figures, kept when a check fails. */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { promises } from './check-history.ts';
import { keptFolderOf, runCrashHistory } from './crash-run.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '2000' },
    jobs: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
  },
});
const whole = z.coerce.number().int().nonnegative();
const options = { kills: whole.parse(values.kills), jobs: whole.parse(values.jobs), seed: whole.parse(values.seed) };
const folder = keptFolderOf(options.seed);
console.log(`seed ${options.seed}: ${options.kills} kills over ${options.jobs} jobs, in ${folder}`);
const report = await runCrashHistory({ ...options, folder, onProgress: text => console.log(text) });
const { violations, killPoints, ...figures } = report;
console.log(JSON.stringify(figures, null, 2));
console.log(`died at ${killPoints.length} different statements:`);
for (const [point, count] of killPoints.slice(0, 40)) console.log(`${String(count).padStart(6)}  ${point}`);
for (const promise of promises) {
  const broken = violations.filter(violation => violation.promise === promise);
  console.log(`${broken.length === 0 ? 'ok  ' : 'FAIL'} ${promise}`);
  for (const { what } of broken.slice(0, 20)) console.log(`       ${what}`);
}
process.exitCode = violations.length === 0 ? 0 : 1;
