/** Owns the routes of machines and of the swarm. */
import type { Engine } from '../../engine.ts';
import { machineEvidence } from '../machine-evidence.ts';
import { pairMachine } from '../release-actions.ts';
import { machineViews, swarmView } from '../views/machine-views.ts';
import { type ApiImplementer, done } from './implement-api.ts';

export function machineRoutes(os: ApiImplementer, engine: Engine) {
  return {
    machines: {
      list: os.machines.list.handler(({ input }) => machineViews(engine, input.repositoryId)),
      pair: os.machines.pair.handler(({ input }) => pairMachine(engine, input)),
      evidence: os.machines.evidence.handler(({ input }) => machineEvidence(engine, input)),
      repair: os.machines.repair.handler(async ({ input }) => {
        await engine.machines.repair(input.id);
        return done;
      }),
      remove: os.machines.remove.handler(async ({ input }) => {
        await engine.machines.revoke(input.id);
        return done;
      }),
    },
    swarm: {
      get: os.swarm.get.handler(() => swarmView(engine)),
      setPaused: os.swarm.setPaused.handler(async ({ input }) => {
        const untilMs = input.minutes === undefined ? null : engine.clock() + input.minutes * 60_000;
        await engine.seeding.setPaused(input.paused, untilMs);
        return swarmView(engine);
      }),
    },
  };
}
