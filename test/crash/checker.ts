/** Owns the program that judges a history in a process of its own: `node checker.ts FOLDER EXPECTED-AS-JSON`, the verdict as JSON. */
import { z } from 'zod';
import { checkHistory } from './check-history.ts';
import { readHistory } from './history.ts';

const [folder, expectedText = ''] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: FOLDER EXPECTED');
const expected = z.object({ repositories: z.array(z.string()), revisions: z.number() }).parse(JSON.parse(expectedText));
const history = readHistory(folder);
const violations = checkHistory(history, expected);
const ended = Map.groupBy(history.jobs, job => job.status);
console.log(
  JSON.stringify({
    jobs: history.jobs.length,
    attempts: history.attempts.length,
    ended: Object.fromEntries([...ended].map(([status, jobs]) => [status, jobs.length])),
    violations,
  }),
);
process.exitCode = violations.length === 0 ? 0 : 1;
