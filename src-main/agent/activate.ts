/** Owns the switch from one release to another: decided once, by a journal that survives a crash. */
import type { BytesBySource } from '../contract/documents.ts';
import { messageOf } from '../contract/errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type AgentFolder, currentArtifact, pointCurrentAt } from './agent-folder.ts';
import type { Installed, StateFile } from './agent-state.ts';
import { checkHealth } from './check-health.ts';
import { keptWith } from './keep-releases.ts';
import type { Reporter } from './reporter.ts';
import { environmentValues, serviceEnvironment } from './service-environment.ts';
import type { Supervisor } from './supervise.ts';

/** A release that takes the agent or the machine down this often is not tried again. */
const maxInterruptions = 2;

export interface Activation {
  readonly folder: AgentFolder;
  readonly state: StateFile;
  readonly supervisor: Supervisor | null;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

async function environmentOf(folder: AgentFolder, release: Installed): Promise<Record<string, string>> {
  return serviceEnvironment(await environmentValues(folder, release), release);
}

/** Starts the release's command, where it has one and this agent supervises. */
async function startService({ folder, supervisor }: Activation, release: Installed): Promise<void> {
  if (supervisor === null || release.start === null) return;
  await supervisor.start({ command: release.start, cwd: folder.current, env: await environmentOf(folder, release) });
}

function superviseOn({ supervisor, reporter }: Activation): void {
  supervisor?.keepRunning(isRunning =>
    reporter.set(
      isRunning
        ? { health: 'healthy', message: null }
        : { health: 'unhealthy', message: 'The release ended by itself; it is started again.' },
    ),
  );
}

async function waitUntilWell(activation: Activation, release: Installed): Promise<void> {
  const { folder, supervisor, signal } = activation;
  const isSupervised = supervisor !== null && release.start !== null;
  await checkHealth(release.health, {
    cwd: folder.current,
    env: await environmentOf(folder, release),
    exited: isSupervised ? supervisor.exited() : null,
    logFile: supervisor?.logFile ?? folder.logs,
    signal,
  });
}

/** Makes `from` run again, as far as it can: what cannot be started is reported, and `current` names it all the same. */
async function goBack(activation: Activation, from: Installed | null): Promise<void> {
  const { folder, supervisor, reporter, logger } = activation;
  await supervisor?.stop();
  await pointCurrentAt(folder, from?.artifactId ?? null);
  if (from === null) return;
  try {
    await startService(activation, from);
    superviseOn(activation);
  } catch (error) {
    logger.error('agent.previous_not_started', { serial: from.serial, reason: messageOf(error) });
    reporter.set({ health: 'unhealthy' });
  }
}

/**
 * Switches to `target`, whose tree and environment are on disk: journal, stop, switch, start, health. On failure the release
 * before runs again, `target`'s serial is remembered as failed, and the failure is thrown: `agent.health_failed`,
 * `agent.start_failed`, `data.*`. When aborted the machine goes back too, but the serial is tried again.
 */
export async function activate(activation: Activation, target: Installed, bytes: BytesBySource): Promise<void> {
  const { folder, state, supervisor, reporter, signal, logger } = activation;
  const from = state.value.current;
  await state.update({ activation: { target, from } });
  reporter.set({ phase: 'switching', progress: null, targetSerial: target.serial, bytes });
  try {
    await supervisor?.stop();
    await pointCurrentAt(folder, target.artifactId);
    await startService(activation, target);
    reporter.set({ phase: 'checking', health: 'unknown' });
    await waitUntilWell(activation, target);
  } catch (error) {
    logger.warn('agent.activation_failed', { serial: target.serial, reason: messageOf(error) });
    await goBack(activation, from);
    const failedSerial = signal.aborted ? state.value.failedSerial : target.serial;
    await state.update({ activation: null, failedSerial });
    throw error;
  }
  await state.update({
    activation: null,
    current: target,
    previous: from,
    kept: keptWith(state.value.kept, target.artifactId),
    failedSerial: null,
    interrupted: null,
  });
  superviseOn(activation);
  const isChecked = target.health !== null || (supervisor !== null && target.start !== null);
  reporter.set({ phase: 'active', progress: null, health: isChecked ? 'healthy' : 'unknown', message: null });
}

/**
 * Brings the machine to exactly one release after a start, whatever the last agent was doing: an activation that was not
 * decided is undone, since nobody saw it healthy, and given up when it has taken the agent down before. Then starts what
 * should run.
 */
export async function settle(activation: Activation): Promise<void> {
  const { folder, state, supervisor, reporter, logger } = activation;
  await supervisor?.endLeftovers();
  const { activation: open, interrupted, current } = state.value;
  if ((await currentArtifact(folder)) !== (current?.artifactId ?? null)) {
    await pointCurrentAt(folder, current?.artifactId ?? null);
  }
  if (open !== null) {
    const { serial } = open.target;
    const count = interrupted?.serial === serial ? interrupted.count + 1 : 1;
    logger.warn('agent.activation_undone', { serial, count });
    await state.update({
      activation: null,
      interrupted: { serial, count },
      ...(count >= maxInterruptions ? { failedSerial: serial } : {}),
    });
  }
  if (current === null) return;
  try {
    await startService(activation, current);
    superviseOn(activation);
    if (supervisor !== null && current.start !== null) reporter.set({ health: 'healthy' });
  } catch (error) {
    logger.error('agent.release_not_started', { serial: current.serial, reason: messageOf(error) });
    reporter.set({ health: 'unhealthy', message: messageOf(error) });
  }
}
