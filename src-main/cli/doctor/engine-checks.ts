/** Owns the checks of a running engine: whether it answers, what it says of its workers, and whether it seeds. */
import { DomainError } from '../../contract/errors.ts';
import type { EngineStatus } from '../../contract/views/engine.ts';
import type { SwarmView } from '../../contract/views/swarm.ts';
import type { DataFolder } from '../../domain/data-folder.ts';
import { readHostFile } from '../../host/host-file.ts';
import { callEngine, type EngineOptions } from '../engine-client.ts';
import { broken, type Check, ok, warning } from './check.ts';

export interface EngineFindings {
  readonly isRunning: boolean;
  readonly checks: readonly Check[];
}

async function processIsThere(folder: DataFolder): Promise<boolean> {
  try {
    process.kill((await readHostFile(folder)).pid, 0);
    return true;
  } catch {
    return false;
  }
}

function checkPool({ workers }: EngineStatus): Check {
  if (workers.paused) {
    return warning('Builds', `${workers.mode}: no job is taken`, 'Run "slipway worker resume" when they should go on.');
  }
  return ok('Builds', `${workers.busy} of ${workers.total} workers busy`);
}

function checkSwarm({ running, paused, error }: SwarmView): Check {
  if (paused) return warning('Seeding', 'paused', 'Resume it under "Swarm" in the interface.');
  if (running) return ok('Seeding', 'the swarm runs');
  const advice = error?.message ?? 'Stores serve machines all the same; start the engine again.';
  return broken('Seeding', 'the swarm does not run', advice);
}

/** Asks the engine of the data folder, where one runs. */
export async function checkEngine(options: EngineOptions, folder: DataFolder): Promise<EngineFindings> {
  try {
    const { status, swarm } = await callEngine(options, async client => ({
      status: await client.engine.status(),
      swarm: await client.swarm.get(),
    }));
    const problems = status.problems
      // What keeps the swarm from running is told there.
      .filter(problem => problem.code !== 'swarm.unavailable')
      .map(problem => broken('Engine', problem.code, problem.message));
    return {
      isRunning: true,
      checks: [ok('Engine', `runs, version ${status.version}`), ...problems, checkPool(status), checkSwarm(swarm)],
    };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    if (error.code !== 'host.not_running') {
      return { isRunning: true, checks: [broken('Engine', `refuses to answer (${error.code})`, error.message)] };
    }
    if (await processIsThere(folder)) {
      const advice = 'End its process and start "slipway serve" again; jobs resume by themselves.';
      return { isRunning: true, checks: [broken('Engine', 'its process is there and does not answer', advice)] };
    }
    return { isRunning: false, checks: [ok('Engine', 'does not run; start it with "slipway serve"')] };
  }
}
