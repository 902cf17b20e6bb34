/** Owns how a client of the loopback server gets tokens: the library asks Google's own address for them, which no test may reach. */
import type { GcsClientOptions } from '../../../src-main/stores/gcs/gcs-client.ts';
import type { GcsServer } from './gcs-server.ts';

/** Waits of retries are skipped; `waits` gets them. */
export function tokensFrom(server: GcsServer, waits: number[] = []): GcsClientOptions {
  return {
    clientOptions: {
      transporterOptions: {
        fetchImplementation: (input, init) => {
          const url = input instanceof Request ? input.url : String(input);
          return fetch(url.replace('https://oauth2.googleapis.com', server.url), init);
        },
      },
    },
    wait: async ms => void waits.push(ms),
  };
}
