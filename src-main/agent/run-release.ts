/** Owns how a release is made to run, in each of its ways, and how it is seen to be well. Decides nothing. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Activation } from '../contract/activation.ts';
import { DomainError } from '../contract/errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { AgentFolder } from './agent-folder.ts';
import type { Installed, StateFile } from './agent-state.ts';
import { checkHealth, type HealthAnswer } from './check-health.ts';
import { pointCurrentAt } from './current-link.ts';
import type { EvidenceKeeper } from './evidence.ts';
import { freePort } from './free-port.ts';
import type { Reporter } from './reporter.ts';
import { environmentValues, serviceEnvironment } from './service-environment.ts';
import type { Services } from './services.ts';
import type { Supervisor } from './supervise.ts';
import { runHook, unitProblem } from './switch-hook.ts';
import type { UserVariables } from './user-variables.ts';

export interface Activating {
  readonly folder: AgentFolder;
  readonly state: StateFile;
  /** Null where another program runs the start command. */
  readonly services: Services | null;
  readonly evidence: EvidenceKeeper;
  readonly userVariables: UserVariables | null;
  readonly reporter: Reporter;
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

const plainActivation: Activation = { mode: 'restart', drainMs: 0, hook: null, shared: [] };

export function activationOf({ activation }: Pick<Installed, 'activation'>): Activation {
  return activation ?? plainActivation;
}

/** Whether the agent starts the release's command itself. */
export function isSupervised({ services }: Activating, release: Installed): boolean {
  const { mode, hook } = activationOf(release);
  return services !== null && release.start !== null && (mode === 'overlap' || hook === null);
}

export async function environmentOf(
  folder: AgentFolder,
  release: Installed,
  port: number | null,
): Promise<Record<string, string>> {
  const env = serviceEnvironment(await environmentValues(folder, release), release);
  return port === null ? env : { ...env, PORT: String(port) };
}

/** The port that the release gets; null where it has none from the agent. */
export async function portFor(release: Installed, preferred: number | null): Promise<number | null> {
  return activationOf(release).mode === 'overlap' ? freePort(preferred) : null;
}

/** Starts the release's command, where it has one and this agent supervises. Throws `agent.start_failed`, `data.corrupt`. */
export async function startOn(
  activating: Activating,
  supervisor: Supervisor,
  release: Installed,
  cwd: string,
  port: number | null,
): Promise<void> {
  if (release.start === null) return;
  const env = await environmentOf(activating.folder, release, port);
  await supervisor.start({ command: release.start, cwd, env });
}

/** Does what makes the machine take the release that `current` names. Throws `agent.start_failed`. */
export async function takeSwitched(activating: Activating, release: Installed, port: number | null): Promise<void> {
  const { hook } = activationOf(release);
  if (hook === null) return;
  const { folder, signal } = activating;
  await runHook(hook, { folder, env: await environmentOf(folder, release, port), signal });
}

/** Throws `agent.start_failed`, `agent.health_failed`, `data.corrupt`, the signal's reason. */
export async function waitUntilWell(
  activating: Activating,
  release: Installed,
  at: {
    readonly cwd: string;
    readonly port: number | null;
    readonly supervisor: Supervisor | null;
    readonly answers: HealthAnswer[];
  },
): Promise<void> {
  const { folder, services, signal } = activating;
  const env = await environmentOf(folder, release, at.port);
  const { hook, mode } = activationOf(release);
  await checkHealth(release.health, {
    cwd: at.cwd,
    env,
    exited: at.supervisor?.exited() ?? null,
    problem: hook?.kind === 'unit' && mode === 'restart' ? () => unitProblem(hook.unit, { folder, env, signal }) : null,
    logFile: services?.logFile ?? folder.logs,
    signal,
    answers: at.answers,
  });
}

/** Ends the old, switches, starts the new, and waits until it is well. */
export async function replace(activating: Activating, target: Installed, answers: HealthAnswer[]): Promise<void> {
  const { folder, services, reporter } = activating;
  await services?.stop();
  await pointCurrentAt(folder, target);
  const supervised = isSupervised(activating, target);
  if (supervised && services !== null) await startOn(activating, services.serving, target, folder.current, null);
  else await takeSwitched(activating, target, null);
  reporter.set({ phase: 'checking', health: 'unknown' });
  const supervisor = supervised && services !== null ? services.serving : null;
  await waitUntilWell(activating, target, { cwd: folder.current, port: null, supervisor, answers });
}

/**
 * Starts the new beside the old, on a port of its own, and switches when it is well. The old serves on until `endOld`, whatever fails.
 * Returns the port. Throws `agent.start_failed`, also where this agent does not supervise.
 */
export async function follow(activating: Activating, target: Installed, answers: HealthAnswer[]): Promise<number> {
  const { folder, services, reporter } = activating;
  if (services === null || target.start === null) {
    throw new DomainError(
      'agent.start_failed',
      `Release ${target.serial} overlaps with the one before, so the agent must start it: ${services === null ? 'run the agent with --supervise' : 'write its start command into slipway.yml'}.`,
      { serial: target.serial },
    );
  }
  const port = await freePort(null);
  const cwd = folder.release(target.artifactId);
  await startOn(activating, services.following, target, cwd, port);
  reporter.set({ phase: 'checking', health: 'unknown' });
  await waitUntilWell(activating, target, { cwd, port, supervisor: services.following, answers });
  await pointCurrentAt(folder, target);
  await takeSwitched(activating, target, port);
  return port;
}

/** After the switch is decided: the new one serves, and the old ends when its time is over, or at once when the agent ends. */
export async function endOld({ services, signal }: Activating, drainMs: number): Promise<void> {
  if (services === null) return;
  services.swap();
  if (services.following.isRunning()) await delay(drainMs, undefined, { signal }).catch(() => undefined);
  await services.following.stop();
}
