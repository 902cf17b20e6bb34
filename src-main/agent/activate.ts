/** Owns the switch from one release to another: decided once, by a journal that survives a crash. */
import type { BytesBySource } from '../contract/documents.ts';
import { messageOf } from '../contract/errors.ts';
import type { Installed } from './agent-state.ts';
import type { HealthAnswer } from './check-health.ts';
import { currentArtifact, pointCurrentAt } from './current-link.ts';
import { endOfFile, sizeOf } from './evidence.ts';
import { keptWith } from './keep-releases.ts';
import {
  type Activating,
  activationOf,
  endOld,
  environmentOf,
  follow,
  isSupervised,
  portFor,
  replace,
  startOn,
  takeSwitched,
  waitUntilWell,
} from './run-release.ts';
import { environmentValues } from './service-environment.ts';
import { unitLog } from './switch-hook.ts';

/** A release that takes the agent or the machine down this often is not tried again. */
const maxInterruptions = 2;

function superviseOn({ services, reporter }: Activating): void {
  services?.serving.keepRunning(isRunning =>
    reporter.set(
      isRunning
        ? { health: 'healthy', message: null }
        : { health: 'unhealthy', message: 'The release ended by itself; it is started again.' },
    ),
  );
}

/** Starts what `current` names and did not run on: by the agent, or by what takes it. */
async function startCurrent(activating: Activating, release: Installed): Promise<void> {
  const { folder, state, services } = activating;
  const port = await portFor(release, state.value.port);
  if (port !== state.value.port) await state.update({ port });
  if (services !== null && isSupervised(activating, release)) {
    await startOn(activating, services.serving, release, folder.current, port);
  }
  await takeSwitched(activating, release, port);
  superviseOn(activating);
}

/** Starts what `current` names, and waits until it is well. Throws `agent.*`, `data.corrupt`. */
export async function restartCurrent(activating: Activating, release: Installed): Promise<void> {
  const { folder, state, services } = activating;
  await startCurrent(activating, release);
  const supervisor = services !== null && isSupervised(activating, release) ? services.serving : null;
  await waitUntilWell(activating, release, { cwd: folder.current, port: state.value.port, supervisor, answers: [] });
}

/** Makes `from` run again, as far as it can: what cannot be started is reported, and `current` names it all the same. */
async function goBack(activating: Activating, from: Installed | null, isOverlap: boolean): Promise<void> {
  const { folder, state, services, reporter, logger } = activating;
  const wasSwitched = (await currentArtifact(folder)) !== (from?.artifactId ?? null);
  // What overlapped has served all the time.
  await (isOverlap ? services?.following.stop() : services?.stop());
  await pointCurrentAt(folder, from);
  if (from === null) return;
  try {
    if (!isOverlap) await startCurrent(activating, from);
    else if (wasSwitched) await takeSwitched(activating, from, state.value.port);
  } catch (error) {
    logger.error('agent.previous_not_started', { serial: from.serial, reason: messageOf(error) });
    reporter.set({ health: 'unhealthy' });
  }
}

/** While it still is as it failed: what would be gone when the machine has gone back. */
async function keepEvidence(
  activating: Activating,
  release: Installed,
  failed: { readonly error: unknown; readonly answers: readonly HealthAnswer[]; readonly logFrom: number },
): Promise<void> {
  const { folder, state, services, evidence, now, signal } = activating;
  const { hook } = activationOf(release);
  const values = await environmentValues(folder, release).catch(() => ({}));
  const env = await environmentOf(folder, release, null).catch(() => ({}));
  await evidence.keep({
    release,
    backAtSerial: state.value.current?.serial ?? null,
    error: failed.error,
    answers: failed.answers,
    lastOutput: services === null ? '' : await endOfFile(services.logFile, failed.logFrom),
    unitLog: hook?.kind === 'unit' ? await unitLog(hook.unit, { folder, env, signal }) : null,
    values,
    atMs: now(),
  });
  await state.update({ evidenceSerial: release.serial });
}

/** The user's variables of what runs now; a machine whose user cannot have them runs the release all the same. */
export async function setUserVariables(activating: Activating): Promise<void> {
  const { folder, state, userVariables, logger } = activating;
  const { current, userVariables: before } = state.value;
  if (userVariables === null || current === null) return;
  try {
    const values = await environmentValues(folder, current);
    await userVariables.set(values, before);
    await state.update({ userVariables: Object.keys(values) });
  } catch (error) {
    logger.warn('agent.user_variables_not_set', { serial: current.serial, reason: messageOf(error) });
  }
}

/**
 * Switches to `target`, whose tree and environment are on disk: journal, switch, start, health, in the order of its mode. On failure the
 * release before runs again, evidence of it is kept, `target`'s serial is remembered as failed, and the failure is thrown:
 * `agent.health_failed`, `agent.start_failed`, `data.*`. When aborted the machine goes back too, but the serial is tried again.
 */
export async function activate(activating: Activating, target: Installed, bytes: BytesBySource): Promise<void> {
  const { state, services, reporter, signal, logger } = activating;
  const from = state.value.current;
  const isOverlap = activationOf(target).mode === 'overlap';
  const answers: HealthAnswer[] = [];
  const logFrom = services === null ? 0 : await sizeOf(services.logFile);
  await state.update({ activation: { target, from } });
  reporter.set({ phase: 'switching', progress: null, targetSerial: target.serial, bytes });
  let port: number | null = null;
  try {
    if (isOverlap) port = await follow(activating, target, answers);
    else await replace(activating, target, answers);
  } catch (error) {
    logger.warn('agent.activation_failed', { serial: target.serial, reason: messageOf(error) });
    if (!signal.aborted) await keepEvidence(activating, target, { error, answers, logFrom });
    await goBack(activating, from, isOverlap);
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
    port,
  });
  await setUserVariables(activating);
  if (isOverlap) await endOld(activating, activationOf(target).drainMs);
  superviseOn(activating);
  const isChecked = target.health !== null || isSupervised(activating, target);
  reporter.set({ phase: 'active', progress: null, health: isChecked ? 'healthy' : 'unknown', message: null });
}

/**
 * Brings the machine to exactly one release after a start, whatever the last agent was doing: an activation that was not
 * decided is undone, since nobody saw it healthy, and given up when it has taken the agent down before. Then starts what
 * should run.
 */
export async function settle(activating: Activating): Promise<void> {
  const { folder, state, services, reporter, logger } = activating;
  await services?.endLeftovers();
  const { activation: open, interrupted, current } = state.value;
  const wasAway = (await currentArtifact(folder)) !== (current?.artifactId ?? null);
  if (wasAway || open !== null) await pointCurrentAt(folder, current);
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
  const isOurs = isSupervised(activating, current);
  // A unit or a daemon runs on without its agent: it is told only where it may run something else.
  if (!isOurs && !wasAway && open === null) return;
  try {
    await startCurrent(activating, current);
    if (isOurs) reporter.set({ health: 'healthy' });
  } catch (error) {
    logger.error('agent.release_not_started', { serial: current.serial, reason: messageOf(error) });
    reporter.set({ health: 'unhealthy', message: messageOf(error) });
  }
}
