/** Owns one measured run of the log bench, in a process of its own so that its memory is the step's and the log's alone. */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { runStep } from '../../../src-main/process/run-step.ts';
import { openJobLog } from '../../../src-main/worker/job-log.ts';

const { commandLine, logFile, secrets } = z
  .object({ commandLine: z.string(), logFile: z.string(), secrets: z.array(z.string()) })
  .parse(JSON.parse(process.argv[2] ?? ''));

/** The most memory that this process ever held. Not `maxRSS`: on Linux a child inherits that of whoever started it. */
async function peakMemoryBytes(): Promise<number> {
  const status = await readFile('/proc/self/status', 'latin1').catch(() => '');
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS;
  return Number(kibibytes) * 1_024;
}

const idleBytes = process.memoryUsage.rss();
const log = await openJobLog({ file: logFile, secrets, onGrowth: () => undefined });
const startedAt = performance.now();
const result = await runStep({
  commandLine,
  cwd: dirname(logFile),
  env: { PATH: process.env.PATH },
  onOutput: chunk => log.write(chunk),
  signal: new AbortController().signal,
  timeoutMs: 600_000,
  graceMs: 1_000,
});
const writtenMs = performance.now() - startedAt;
await log.close();
const closedMs = performance.now() - startedAt;
if (result.exitCode !== 0) throw new Error(`The writer ended with ${result.exitCode}`);
console.log(
  JSON.stringify({ writtenMs, closedMs, peakBytes: await peakMemoryBytes(), idleBytes, sizeBytes: log.sizeBytes }),
);
