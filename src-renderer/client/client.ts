/** Owns the typed client that every view calls; it stays the same object over reconnects. */
import { type ClientContext, type ClientLink, createORPCClient } from '@orpc/client';
import type { ContractRouterClient } from '@orpc/contract';
import type { Api } from '../../src-main/contract/api.ts';
import { Connection } from './connection.ts';
import { offlineError, toDomainError } from './errors.ts';
import { shell } from './shell.ts';
import { messagePortTransport, takeToken, webSocketTransport } from './transports.ts';

export type Client = ContractRouterClient<Api>;

/** The desktop's preload hands over a port; pages of the headless host have their token. */
export const connection = new Connection(shell ? messagePortTransport(shell) : webSocketTransport(takeToken()));

const link: ClientLink<ClientContext> = {
  async call(path, input, options) {
    const open = await connection.link();
    if (!open) throw offlineError();
    try {
      return await open.call(path, input, options);
    } catch (error) {
      throw toDomainError(error);
    }
  },
};

/** Calls the engine: `client.jobs.get({ id })`. Fails with a `DomainError`; `host.not_running` while offline. */
export const client: Client = createORPCClient<Client>(link);
