/** Owns one request to somebody's server: bounded in time and size, never redirected, and its failure in words. */
import { messageOf, systemErrorCode } from '../contract/errors.ts';
import { version } from '../domain/version.ts';

/** How long a server may take to answer. */
const patienceMs = 15_000;

export interface PostResult {
  /** Null where there was no answer. */
  readonly status: number | null;
  /** Null where it was taken. */
  readonly error: string | null;
  /** What the server asked to wait, in milliseconds; null where it did not. */
  readonly retryAfterMs: number | null;
}

/** Seconds, or a date. Source: RFC 9110, 10.2.3 */
function retryAfterMs(value: string | null, nowMs: number): number | null {
  if (value === null) return null;
  const waitMs = /^\d{1,9}$/.test(value.trim()) ? Number(value) * 1_000 : Date.parse(value) - nowMs;
  return Number.isFinite(waitMs) && waitMs > 0 ? waitMs : null;
}

function wordsFor(error: unknown): string {
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return `The server did not answer within ${patienceMs / 1_000} s.`;
  }
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = systemErrorCode(cause);
  switch (code) {
    case 'ECONNREFUSED':
      return 'Nothing listens at this address.';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return "The server's name could not be found.";
    default:
      return `The server could not be reached: ${code ?? messageOf(cause)}.`;
  }
}

/** Posts JSON; 2xx is taken. Throws only when `signal` is aborted. */
export async function postJson(
  url: string,
  body: string,
  options: { readonly headers: Readonly<Record<string, string>>; readonly signal: AbortSignal; readonly nowMs: number },
): Promise<PostResult> {
  const { headers, signal, nowMs } = options;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': `slipway/${version}`, ...headers },
      body,
      // Another server was not named by the person, and the signature is not for it.
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]),
    });
    // What it says is not read: it could go on for ever.
    await response.body?.cancel().catch(() => undefined);
    const { status } = response;
    if (response.ok) return { status, error: null, retryAfterMs: null };
    const error =
      status >= 300 && status < 400
        ? `The server redirects (${status}), which is not followed. Use the address that it names.`
        : `The server answered ${status}.`;
    return { status, error, retryAfterMs: retryAfterMs(response.headers.get('retry-after'), nowMs) };
  } catch (error) {
    if (signal.aborted) throw error;
    return { status: null, error: wordsFor(error), retryAfterMs: null };
  }
}
