/** Owns the ports that releases are given. */
import { createServer } from 'node:net';

/** Whether nothing listens there now; 0 asks for any. Null where the port is taken. */
function tryPort(port: number): Promise<number | null> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : null));
    });
  });
}

/** The port that the release had before, where it is free; else any. Somebody else may take it before the release does: it then fails its start. */
export async function freePort(preferred: number | null): Promise<number> {
  const again = preferred === null ? null : await tryPort(preferred);
  const port = again ?? (await tryPort(0));
  if (port === null) throw new Error('no port of this machine is free');
  return port;
}
