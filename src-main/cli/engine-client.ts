/** Owns how commands reach the running engine: found through its data folder, spoken to over REST. */
import { resolve } from 'node:path';
import { createORPCClient, ORPCError } from '@orpc/client';
import type { ContractRouterClient } from '@orpc/contract';
import type { JsonifiedClient } from '@orpc/openapi-client';
import { OpenAPILink } from '@orpc/openapi-client/fetch';
import envPaths from 'env-paths';
import { type Api, api } from '../contract/api.ts';
import { idSchema } from '../contract/documents.ts';
import { errorViewSchema } from '../contract/error-schemas.ts';
import { DomainError } from '../contract/errors.ts';
import type { JobSummary } from '../contract/views/job.ts';
import type { RepositoryRow } from '../contract/views/repository.ts';
import { type DataFolder, dataFolder } from '../domain/data-folder.ts';
import { readHostFile } from '../host/host-file.ts';

export type EngineClient = JsonifiedClient<ContractRouterClient<Api>>;

export interface EngineOptions {
  readonly data?: string | undefined;
}

/** The data folder that a command means: `--data`, else SLIPWAY_DATA, else the platform's own place. */
export function chosenFolder(options: EngineOptions): DataFolder {
  const named = options.data ?? process.env.SLIPWAY_DATA;
  return dataFolder(resolve(named && named !== '' ? named : envPaths('slipway', { suffix: '' }).data));
}

function translated(error: unknown, folder: DataFolder): unknown {
  if (error instanceof ORPCError) {
    const view = errorViewSchema.safeParse(error.data);
    return view.success ? DomainError.fromView(view.data) : new DomainError('internal', error.message);
  }
  if (error instanceof TypeError && error.message === 'fetch failed') {
    return new DomainError(
      'host.not_running',
      `The Slipway of ${folder.root} does not answer; it has ended or was killed. Start it again with "slipway serve".`,
    );
  }
  return error;
}

/** Calls the running engine. Throws `host.not_running`, and whatever the engine answers. */
export async function callEngine<Result>(
  options: EngineOptions,
  work: (client: EngineClient) => Promise<Result>,
): Promise<Result> {
  const folder = chosenFolder(options);
  const { port, token } = await readHostFile(folder);
  const client: EngineClient = createORPCClient(
    new OpenAPILink(api, {
      url: `http://127.0.0.1:${port}/api`,
      headers: { authorization: `Bearer ${token}` },
    }),
  );
  try {
    return await work(client);
  } catch (error) {
    throw translated(error, folder);
  }
}

/** The one repository that a person means by its name, its id, or the beginning of its id. Throws `not_found`, `conflict`. */
export async function findRepository(client: EngineClient, named: string): Promise<RepositoryRow> {
  const rows = await client.repositories.list();
  const found = rows.filter(row => row.name === named || row.id === named);
  const [only, ...others] =
    found.length > 0 ? found : rows.filter(row => named.length >= 4 && row.id.startsWith(named));
  if (!only) {
    const names = rows.map(row => row.name).join(', ') || 'none yet: add one with "slipway repo add URL"';
    throw new DomainError('not_found', `There is no repository "${named}". Repositories: ${names}.`, { named });
  }
  if (others.length > 0) {
    throw new DomainError('conflict', `"${named}" could be several repositories. Use the id from "slipway repo list".`);
  }
  return only;
}

/** The one machine that a person means by its name or id. Throws `not_found`, `conflict`. */
export async function findMachine(client: EngineClient, named: string) {
  const machines = await client.machines.list({});
  const [only, ...others] = machines.filter(machine => machine.name === named || machine.id === named);
  if (!only) {
    const names = machines.map(machine => machine.name).join(', ') || 'none yet';
    throw new DomainError('not_found', `There is no machine "${named}". Machines: ${names}.`, { named });
  }
  if (others.length > 0) {
    const ids = [only, ...others].map(machine => `${machine.id} (${machine.repositoryName}, ${machine.channel})`);
    throw new DomainError('conflict', `"${named}" could be several machines. Use an id: ${ids.join(', ')}.`, { named });
  }
  return only;
}

/** A job by its number or id. Throws `not_found`. */
export async function findJob(client: EngineClient, named: string): Promise<JobSummary> {
  if (idSchema.safeParse(named).success) return client.jobs.get({ id: named });
  const number = /^\d{1,15}$/.test(named) ? Number(named) : null;
  const [job] = number === null ? [] : (await client.jobs.list({ before: number + 1, limit: 1 })).jobs;
  if (job?.number !== number || job === undefined) {
    throw new DomainError('not_found', `There is no job "${named}". See "slipway job list".`, { named });
  }
  return job;
}
