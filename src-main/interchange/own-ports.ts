/** Owns the ports of the engine's own API, to which nothing is ever posted on somebody's word. */
import { lookup } from 'node:dns/promises';
import { DomainError } from '../contract/errors.ts';

export interface OwnPorts {
  /** A host of this engine listens there, on loopback. */
  reserve(port: number): void;
  /** Throws `input.invalid` for an address that leads to one of them, by whatever name. May be repeated: names change. */
  assertForeign(url: URL): Promise<void>;
}

/** Loopback, and the unspecified addresses that systems take for it. Source: RFC 6890. */
const leadsHere = (address: string) => /^(?:127\.|0\.|::1?$|::ffff:(?:127\.|0\.))/i.test(address);

export function createOwnPorts(): OwnPorts {
  const ports = new Set<number>();
  return {
    reserve(port) {
      ports.add(port);
    },
    async assertForeign(url) {
      const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
      if (!ports.has(port)) return;
      const host = url.hostname.replace(/^\[|\]$/g, '');
      // A name that cannot be found cannot be posted to either; that is said there.
      const addresses = await lookup(host, { all: true }).catch(() => []);
      if (!addresses.some(({ address }) => leadsHere(address))) return;
      throw new DomainError('input.invalid', "This address is Slipway's own API, which nothing is posted to.", {
        field: 'url',
      });
    },
  };
}
