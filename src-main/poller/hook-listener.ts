/**
 * Owns the listener for webhooks of forges: off until a person opens it, on an address of its own, sharing no route, token or server with the
 * API. A delivery says nothing that is believed but "look now".
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { messageOf } from '../contract/errors.ts';
import { settingsOf } from '../contract/settings.ts';
import type { Db } from '../database/open-database.ts';
import { readAllSettings } from '../database/settings.ts';
import type { Logger } from '../telemetry/logger.ts';
import { hookSecret, isSigned } from './hook-signature.ts';

/** How soon a changed setting holds. */
const lookEveryMs = 2_000;
/** A push of many commits with all their files; a larger one is seen by the next poll. */
const maxBodyBytes = 5 * 1024 * 1024;
const requestTimeoutMs = 10_000;
const maxConnections = 64;
const pathPrefix = '/hooks/';

export interface HookView {
  /** Below the address at which the forge reaches the listener. */
  readonly path: string;
  readonly secret: string;
  /** `0.0.0.0:7800`; null while it does not listen. */
  readonly listening: string | null;
  /** Why it does not listen, though it should. */
  readonly problem: string | null;
}

export interface HookListener {
  start(): void;
  stop(): Promise<void>;
  hookOf(repositoryId: string): HookView;
}

export function createHookListener(options: {
  readonly db: Db;
  readonly masterKey: Uint8Array;
  /** Looks at a repository now; one that is not there is an error that nobody hears of. */
  readonly pollNow: (repositoryId: string) => Promise<void>;
  readonly logger: Logger;
}): HookListener {
  const { db, masterKey, logger } = options;
  /** Repositories with a look to come: many deliveries of one push are one look. */
  const hinted = new Set<string>();
  let wanted = 'off';
  let server: Server | null = null;
  let listening: string | null = null;
  let problem: string | null = null;
  let timer: NodeJS.Timeout | null = null;
  let applying: Promise<void> = Promise.resolve();
  let stopped = false;

  function hint(repositoryId: string): void {
    if (hinted.has(repositoryId)) return;
    hinted.add(repositoryId);
    options
      .pollNow(repositoryId)
      .catch(error => logger.warn('hook.not_polled', { repositoryId, error }))
      .finally(() => hinted.delete(repositoryId));
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const end = (status: number) => response.writeHead(status, { connection: 'close', 'content-length': 0 }).end();
    const repositoryId = request.url?.startsWith(pathPrefix) ? request.url.slice(pathPrefix.length) : '';
    if (!/^[0-9a-f-]{36}$/.test(repositoryId)) return void end(404);
    if (request.method !== 'POST') return void end(405);
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    for await (const chunk of request) {
      const bytes = Buffer.from(chunk);
      sizeBytes += bytes.length;
      if (sizeBytes > maxBodyBytes) return void end(413);
      chunks.push(bytes);
    }
    // The same answer whether or not there is such a repository.
    if (!isSigned(hookSecret(masterKey, repositoryId), request.headers, Buffer.concat(chunks))) return void end(401);
    hint(repositoryId);
    end(202);
  }

  async function close(): Promise<void> {
    const closing = server;
    server = null;
    listening = null;
    if (closing === null) return;
    await new Promise<void>(resolve => {
      closing.close(() => resolve());
      closing.closeAllConnections();
    });
  }

  async function open(address: string): Promise<void> {
    const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(address) ?? [];
    const opening = createServer(
      { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs },
      (request, response) => {
        answer(request, response).catch(error => {
          logger.warn('hook.broken_off', { error: messageOf(error) });
          response.destroy();
        });
      },
    );
    opening.maxConnections = maxConnections;
    try {
      await new Promise<void>((resolve, reject) => {
        opening.once('error', reject);
        opening.listen(Number(port), host.replace(/^\[(.*)\]$/, '$1'), () => resolve());
      });
      server = opening;
      const bound = opening.address();
      listening = typeof bound === 'object' && bound !== null ? `${host}:${bound.port}` : address;
      problem = null;
      logger.info('hooks.listening', { address: listening });
    } catch (error) {
      problem = messageOf(error);
      logger.warn('hooks.not_listening', { address, error: problem });
    }
  }

  async function apply(): Promise<void> {
    const next = settingsOf(await readAllSettings(db))['sources.hooks'];
    if (stopped || (next === wanted && (next === 'off' || server !== null))) return;
    wanted = next;
    problem = null;
    await close();
    if (next !== 'off') await open(next);
  }

  const plan = () => {
    if (stopped) return;
    applying = apply().catch(error => logger.warn('hooks.not_read', { error }));
    void applying.then(() => {
      if (!stopped) timer = setTimeout(plan, lookEveryMs);
    });
  };

  return {
    start: plan,
    async stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
      await applying;
      await close();
    },
    hookOf: repositoryId => ({
      path: `${pathPrefix}${repositoryId}`,
      secret: hookSecret(masterKey, repositoryId),
      listening,
      problem,
    }),
  };
}
