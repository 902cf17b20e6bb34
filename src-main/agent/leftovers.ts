/** Owns how processes that a killed agent left running are found again: by an id in their environment, kept in a file beside. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { sweepTree } from '../process/kill-tree.ts';
import { readPrivateFile, replacePrivateFile } from '../secrets/private-file.ts';

/** The variable by which the processes of a run are found again, whatever session or parent they gave themselves. */
const runVariable = 'SLIPWAY_RUN';
/** Above every process id that Linux gives (pid_max is at most 4,194,304): "no leader is known". Source: proc_sys_kernel(5). */
const noLeader = 2 ** 23;

const runSchema = z.object({ runId: z.uuid() });

/** A new run's variable, in the file before anything is started: an agent killed in between finds the process by it. */
export async function rememberRun(runFile: string): Promise<{ readonly env: Readonly<Record<string, string>> }> {
  const runId = randomUUID();
  await replacePrivateFile(runFile, Buffer.from(JSON.stringify({ runId })));
  return { env: { [runVariable]: runId } };
}

/** What a process of this run is known by. */
export function assignmentOf({ env }: { readonly env: Readonly<Record<string, string>> }): string {
  return `${runVariable}=${env[runVariable] ?? ''}`;
}

/** Ends what the run in the file left. Finds it on Linux alone. */
export async function endLeftovers(runFile: string): Promise<void> {
  const bytes = await readPrivateFile(runFile, 4_096);
  if (bytes === null) return;
  const parsed = runSchema.safeParse(JSON.parse(bytes.toString('utf8') || 'null'));
  // By the id alone: the process id may be somebody else's by now.
  if (parsed.success) await sweepTree(noLeader, `${runVariable}=${parsed.data.runId}`);
}
