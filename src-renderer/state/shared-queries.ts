/** Owns the queries that more than one view reads, each under one key, so that they are fetched once. */
import type { EngineStatus, Overview } from '../../src-main/contract/views/engine.ts';
import type { MachineView } from '../../src-main/contract/views/machine.ts';
import type { RegionView } from '../../src-main/contract/views/region.ts';
import type { RepositoryDetail } from '../../src-main/contract/views/repository.ts';
import { client } from '../client/client.ts';
import { type Query, useQuery } from './use-query.ts';

/** The engine: version, polling, workers, rates. */
export function useStatus(): Query<EngineStatus> {
  return useQuery('status', () => client.engine.status(), ['status', 'worker', 'swarm', 'repository', 'poll', 'job']);
}

/** Every repository with its track, what runs, what waits. */
export function useOverview(): Query<Overview> {
  return useQuery('overview', () => client.engine.overview(), [
    'repository',
    'branch',
    'revision',
    'poll',
    'job',
    'build',
    'replica',
    'replicas',
    'region',
    'release',
    'channel',
    'machine',
    'machines',
    'worker',
  ]);
}

/** The main store and every region. */
export function useRegions(): Query<readonly RegionView[]> {
  return useQuery('regions', () => client.regions.list(), ['region', 'replica', 'replicas', 'build']);
}

/** Every machine of every repository. */
export function useMachines(): Query<readonly MachineView[]> {
  return useQuery('machines', () => client.machines.list({}), ['machine', 'machines', 'release']);
}

/** One repository with jobs, builds, releases and plan. */
export function useRepository(id: string): Query<RepositoryDetail> {
  return useQuery(
    `repository:${id}`,
    () => client.repositories.get({ id }),
    [
      'repository',
      'branch',
      'revision',
      'poll',
      'job',
      'build',
      'replica',
      'release',
      'channel',
      'machine',
      'machines',
    ],
    { repositoryId: id },
  );
}
