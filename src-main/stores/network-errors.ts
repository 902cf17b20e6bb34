/** Owns the words for what keeps a store's server from being reached at all: the same for every provider. */
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';

const certificateCodes = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

function explain(code: string, server: string, message: string): string | null {
  if (certificateCodes.has(code)) {
    const clock = code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID';
    return `The certificate of ${server} is not trusted (${code}). ${clock ? "Check this machine's clock and the server's certificate." : 'Give the authority that signed it in NODE_EXTRA_CA_CERTS, or correct the endpoint.'}`;
  }
  switch (code) {
    case 'ENOTFOUND':
      return `No address is known for ${server}. Check the endpoint, the account or the region in the store's URL, and the name service of this machine.`;
    case 'EAI_AGAIN':
      return `The name service of this machine does not answer for ${server}. Check its network; it is tried again by itself.`;
    case 'ECONNREFUSED':
      return `${server} refuses connections. Check the endpoint and its port, and that the server runs; it is tried again by itself.`;
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return `${server} broke off the connection. It is tried again by itself; if it stays so, a proxy or firewall may be in between.`;
    case 'ETIMEDOUT':
    case 'ESOCKETTIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ENETDOWN':
      return `${server} cannot be reached (${code}). Check the network of this machine; it is tried again by itself.`;
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
      return `${server} does not speak TLS there (${message}). Check whether the endpoint should begin with http:// and which port it needs.`;
    default:
      return code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')
        ? `No safe connection to ${server} (${code}). Check the endpoint, and what stands between it and this machine.`
        : null;
  }
}

/** The first system error in `error` and its causes, as `store.unreachable`; null where there is none that tells of the network. */
export function translateNetworkError(error: unknown, server: string): DomainError | null {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) {
    const code = systemErrorCode(cause);
    const words = code === null ? null : explain(code, server, messageOf(cause));
    if (words !== null) return new DomainError('store.unreachable', words, { systemCode: code }, { cause: error });
  }
  return null;
}

/** Milliseconds that a server asks to wait: `Retry-After` in seconds or as a date (RFC 9110, 10.2.3); null where it says nothing. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | null {
  if (header === undefined) return null;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}
