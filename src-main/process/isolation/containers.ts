/** Owns ending containers that a step, or a worker that was lost, left behind. */
import type { Logger } from '../../telemetry/logger.ts';
import { runCommand } from '../run-command.ts';
import { type ContainerEngine, jobLabel } from './container.ts';
import { engineEnvironment, probeLevel } from './levels.ts';

/** An engine kills at once, and takes its time to remove what was written. */
const removeTimeoutMs = 60_000;

async function callEngine(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await runCommand({
    command: program,
    args,
    cwd: '/',
    env: engineEnvironment(process.env),
    timeoutMs: removeTimeoutMs,
  });
  return stdout.toString('utf8');
}

/** Kills and removes one container, if it is still there. */
export async function removeContainer(program: string, name: string): Promise<void> {
  await callEngine(program, ['rm', '--force', '--volumes', name]);
}

/** Kills and removes every container of a job. Where the engine does not answer, that is logged: then nothing of it runs either. */
export async function removeContainersOfJob(engine: ContainerEngine, jobId: string, logger: Logger): Promise<void> {
  const probe = await probeLevel(engine);
  if ('reason' in probe) {
    logger.warn('containers.not_removed', { engine, jobId, reason: probe.reason });
    return;
  }
  const listed = await callEngine(probe.program, ['ps', '--all', '--quiet', '--filter', `label=${jobLabel}=${jobId}`]);
  for (const id of listed.split('\n').filter(line => /^[0-9a-f]+$/.test(line)))
    await removeContainer(probe.program, id);
}
