/** Owns `npm run test:crash -- [agent] [--kills N] [--jobs N] [--seed N]`: one crash history with its figures, kept when a check fails. */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { runAgentCrashes } from './agent/agent-crash-run.ts';
import { promises } from './check-history.ts';
import { keptFolderOf, runCrashHistory } from './crash-run.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kills: { type: 'string' },
    jobs: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
  },
});
const whole = z.coerce.number().int().nonnegative();
const seed = whole.parse(values.seed);
process.exitCode = positionals[0] === 'agent' ? await crashAgent() : await crashQueue();

async function crashAgent(): Promise<number> {
  const kills = whole.parse(values.kills ?? '500');
  console.log(`seed ${seed}: ${kills} kills of an agent`);
  const report = await runAgentCrashes({ kills, seed, onProgress: text => console.log(text) });
  console.log(
    `${report.kills} kills over ${report.releases} releases; died at ${report.places.length} different places:`,
  );
  for (const [place, count] of report.places) console.log(`${String(count).padStart(6)}  ${place}`);
  console.log(
    `${report.violations.length === 0 ? 'ok  ' : 'FAIL'} exactly the old release or the new one, and recovery alone`,
  );
  for (const violation of report.violations.slice(0, 40)) console.log(`       ${violation}`);
  return report.violations.length === 0 ? 0 : 1;
}

async function crashQueue(): Promise<number> {
  const options = { kills: whole.parse(values.kills ?? '2000'), jobs: whole.parse(values.jobs), seed };
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
  return violations.length === 0 ? 0 : 1;
}
