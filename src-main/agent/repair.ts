/** Owns the repair that a person asks for: every file of the running release is made right, and it is started anew. */
import type { Pointer, Trust } from '../contract/documents.ts';
import { restartCurrent } from './activate.ts';
import { pointCurrentAt } from './current-link.ts';
import { bringHere } from './install-release.ts';
import type { OpenAgent } from './open-agent.ts';
import { activationOf } from './run-release.ts';
import { linkShared } from './shared-paths.ts';

/** When the repair that waits for this machine was asked for; null where none does. */
export function repairDue({ state, identity }: OpenAgent, { repairs = [] }: Pointer): number | null {
  const asked = repairs.find(repair => repair.machineId === identity.machineId)?.requestedAtMs ?? null;
  return asked !== null && asked > state.value.repairedAtMs ? asked : null;
}

/**
 * Checks every file of what runs, fetches what is not right, and starts it. The supervised process is ended meanwhile, since its files
 * may change. Killed in between it is done again. Throws what fetching and starting throw.
 */
export async function repair(agent: OpenAgent, trust: Trust, pointer: Pointer, askedAtMs: number): Promise<void> {
  const { folder, options, state, services, reporter, signal } = agent;
  const { current } = state.value;
  if (current === null || current.artifactId !== pointer.artifactId) return;
  await services?.stop();
  await bringHere(agent, trust, pointer, null, signal);
  agent.seeding.fetching = null;
  agent.announced.clear();
  await linkShared(folder, current.artifactId, activationOf(current).shared);
  await pointCurrentAt(folder, current);
  // What the person asked for is done; a release that does not start on its own right files is told, and not repaired for ever.
  await state.update({ repairedAtMs: askedAtMs });
  const { logger } = options;
  await restartCurrent({ ...agent, userVariables: options.userVariables ?? null, logger }, current);
  reporter.set({ phase: 'active', progress: null, health: 'healthy', message: null, drift: null });
}
