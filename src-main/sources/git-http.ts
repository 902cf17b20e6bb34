/** Owns HTTP for isomorphic-git: kept-alive connections, bounded answers, back-pressure, and no failure that goes unnoticed. */
import http from 'node:http';
import https from 'node:https';
import type { GitHttpRequest, GitHttpResponse, HttpClient } from 'isomorphic-git';
import { systemErrorCode } from '../contract/errors.ts';
import type { RateLimit } from '../domain/poll-host.ts';
import { withDeadline } from './deadline.ts';
import { connectionError, httpStatusError, protocolError } from './git-errors.ts';
import { rateLimitOf } from './rate-limit.ts';
import { authorizationOf, type GitLogin, mayCarryLogin } from './remote-access.ts';

const maxRedirects = 5;
/** Idle connections are kept from one poll to the next, and each is let go by the server when it likes. */
const agentOptions = { keepAlive: true, maxFreeSockets: 64, proxyEnv: process.env };
const agents = { 'http:': new http.Agent(agentOptions), 'https:': new https.Agent(agentOptions) };

export interface GitHttpSession {
  readonly client: HttpClient & { request(request: GitHttpRequest): Promise<GitHttpResponse> };
  /**
   * Throws what went wrong while an answer was read. isomorphic-git 1.44 takes an error in the middle of a list of refs for
   * its end (GitPktLine.streamReader), so a broken connection would look like deleted branches.
   */
  check(): void;
  /** Whether the last answer ended with a flush packet, as every complete list does. Source: gitprotocol-v2(5). */
  endedWithFlush(): boolean;
  /** What the server said of its limits, last; null where it said nothing. */
  limit(): RateLimit | null;
  /** Where a request of protocol 2 was answered; null where there was none, as with a server that knows only protocol 1. */
  endpoint(): string | null;
}

type Body = AsyncGenerator<Uint8Array, void, void> & { error?: unknown };

/**
 * A client for one operation on `url`. Errors: `git.unreachable`, `git.auth_failed`, `git.not_found`, `git.protocol`; the
 * reason of `signal` when it is aborted. The answers of the session are refused above `maxBytes` in total.
 */
export function openGitHttp(
  url: string,
  options: {
    readonly maxBytes: number;
    readonly signal: AbortSignal;
    readonly endpoint?: string;
    /** Sent to the URL's own origin alone, where that may carry it, and never again after a redirect led elsewhere. */
    readonly login?: GitLogin | null;
  },
): GitHttpSession {
  const { signal, maxBytes } = options;
  const { origin } = new URL(url);
  const authorization = options.login && mayCarryLogin(url) ? authorizationOf(options.login) : null;
  let isAtHome = true;
  const bodies: Body[] = [];
  let receivedBytes = 0;
  let tail = '';
  let failure: unknown = null;
  let limit: RateLimit | null = null;
  /** Where the discovery was redirected to, as git does by default (http.followRedirects=initial in git-config(1)). */
  let movedTo = options.endpoint ?? url;
  let answeredAt: string | null = null;

  async function* read(response: http.IncomingMessage): Body {
    try {
      for await (const value of response) {
        const chunk: Buffer = value;
        receivedBytes += chunk.length;
        if (receivedBytes > maxBytes) {
          throw protocolError(url, `more than ${Math.round(maxBytes / 1024 / 1024)} MiB`);
        }
        tail = (tail + chunk.subarray(-4).toString('latin1')).slice(-4);
        yield chunk;
        // The reader parses without a pause what has arrived; this lets other work of the process run between chunks.
        await new Promise(resolve => setImmediate(resolve));
      }
    } catch (error) {
      failure ??= signal.aborted ? signal.reason : translate(error);
      throw failure;
    } finally {
      response.destroy();
    }
  }

  const translate = (error: unknown) =>
    error instanceof Error && error.name === 'DomainError' ? error : connectionError(url, error);

  async function request({
    url: target,
    method = 'GET',
    headers = {},
    body,
  }: GitHttpRequest): Promise<GitHttpResponse> {
    const payload = body === undefined ? null : await concat(body);
    let address = new URL(movedTo + target.slice(url.length));
    for (let redirects = 0; ; redirects++) {
      isAtHome &&= address.origin === origin;
      const sent = authorization !== null && isAtHome ? { ...headers, authorization } : headers;
      const response = await sendOnce(address, method, sent, payload, signal).catch(error => {
        throw signal.aborted ? signal.reason : translate(error);
      });
      const status = response.statusCode ?? 0;
      limit = rateLimitOf(response.headers, Date.now()) ?? limit;
      if (status === 200) {
        tail = '';
        if (method === 'POST') answeredAt = movedTo;
        const responseBody = read(response);
        bodies.push(responseBody);
        return {
          url: address.href,
          method,
          headers: flat(response.headers),
          body: responseBody,
          statusCode: status,
          statusMessage: response.statusMessage ?? '',
        };
      }
      response.resume();
      response.on('error', () => undefined);
      const next = method === 'GET' ? redirectTarget(response, address) : null;
      if (next === null || redirects === maxRedirects) throw httpStatusError(url, status, response.headers);
      const suffix = target.slice(url.length);
      if (!next.href.endsWith(suffix)) throw protocolError(url, `redirected to ${next.origin}, which is no repository`);
      movedTo = next.href.slice(0, next.href.length - suffix.length);
      address = next;
    }
  }

  return {
    client: { request },
    check() {
      if (signal.aborted) throw signal.reason;
      if (failure !== null) throw failure;
      const malformed = bodies.find(body => body.error !== undefined);
      if (malformed !== undefined) throw protocolError(url, 'it is cut off or malformed', malformed.error);
    },
    endedWithFlush: () => tail === '0000',
    limit: () => limit,
    endpoint: () => answeredAt,
  };
}

const discoveryTimeoutMs = 60_000;
const maxDiscoveryBytes = 16 * 1024 * 1024;

/**
 * Where a repository that is opened with a login has moved to on the same server; its own URL where it has not, or has gone to another one,
 * which gets no login. Throws what a session throws.
 */
export async function findMoved(url: string, login: GitLogin | null, signal: AbortSignal | undefined): Promise<string> {
  const suffix = '/info/refs?service=git-upload-pack';
  return withDeadline({ url, timeoutMs: discoveryTimeoutMs, signal }, async deadline => {
    const session = openGitHttp(url, { maxBytes: maxDiscoveryBytes, signal: deadline, login });
    const { url: found, body = [] } = await session.client.request({ url: `${url}${suffix}` });
    for await (const _chunk of body);
    session.check();
    return new URL(found).origin === new URL(url).origin ? found.slice(0, -suffix.length) : url;
  });
}

/** One request; sent again once when a kept connection turns out to have been closed by the server meanwhile. */
async function sendOnce(
  address: URL,
  method: string,
  headers: Readonly<Record<string, string>>,
  payload: Buffer | null,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
  const attempt = () =>
    new Promise<{ response: http.IncomingMessage } | { error: unknown; stale: boolean }>(resolve => {
      const secure = address.protocol === 'https:';
      const request = (secure ? https : http).request(address, {
        method,
        agent: secure ? agents['https:'] : agents['http:'],
        signal,
        headers: {
          'user-agent': 'git/slipway',
          ...headers,
          'accept-encoding': 'identity',
          ...(payload === null ? {} : { 'content-length': String(payload.length) }),
        },
      });
      request.on('response', response => resolve({ response }));
      request.on('error', error => {
        const closed = ['ECONNRESET', 'EPIPE'].includes(systemErrorCode(error) ?? '');
        resolve({ error, stale: request.reusedSocket && closed });
      });
      request.end(payload ?? undefined);
    });
  let result = await attempt();
  if ('error' in result && result.stale) result = await attempt();
  if ('error' in result) throw result.error;
  return result.response;
}

/** Where a redirect leads: never from https to http, and never with credentials of its own. */
function redirectTarget(response: http.IncomingMessage, from: URL): URL | null {
  const status = response.statusCode ?? 0;
  const location = response.headers.location;
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined || !URL.canParse(location, from))
    return null;
  const target = new URL(location, from);
  if (target.protocol !== 'https:' && target.protocol !== from.protocol) return null;
  if (target.username !== '' || target.password !== '') return null;
  return target.protocol === 'https:' || target.protocol === 'http:' ? target : null;
}

async function concat(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function flat(headers: http.IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  );
}
