/** Owns how each call of the contract reaches the engine. Knows no transport. */
import type { Engine } from '../engine.ts';
import { engineRoutes } from './routes/engine-routes.ts';
import { implementApi } from './routes/implement-api.ts';
import { jobRoutes } from './routes/job-routes.ts';
import { machineRoutes } from './routes/machine-routes.ts';
import { regionRoutes } from './routes/region-routes.ts';
import { repositoryRoutes } from './routes/repository-routes.ts';

export function createRouter(engine: Engine, options: { readonly onStop: () => void }) {
  const os = implementApi(engine);
  return os.router({
    ...engineRoutes(os, engine, options.onStop),
    ...repositoryRoutes(os, engine),
    ...jobRoutes(os, engine),
    ...regionRoutes(os, engine),
    ...machineRoutes(os, engine),
  });
}

export type EngineRouter = ReturnType<typeof createRouter>;
