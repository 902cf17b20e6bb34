/** Serves the folder that it lies in, on loopback: on $PORT, or on any free port. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

const types = {
  'index.html': 'text/html; charset=utf-8',
  'board.css': 'text/css; charset=utf-8',
  'board.json': 'application/json',
  'chart.png': 'image/png',
  'foghorn.wav': 'audio/wav',
};

const server = createServer(async (request, response) => {
  const name = new URL(request.url ?? '/', 'http://harbour').pathname.slice(1) || 'index.html';
  if (!Object.hasOwn(types, name)) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('No such page in this harbour.\n');
    return;
  }
  try {
    const body = await readFile(new URL(name, import.meta.url));
    response.writeHead(200, { 'content-type': types[name], 'content-length': body.length }).end(body);
  } catch {
    response.writeHead(500, { 'content-type': 'text/plain' }).end('The board is not whole; build it again.\n');
  }
});

server.on('error', error => {
  console.error(`The board cannot be served: ${error.message}`);
  process.exit(1);
});
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(`The board is on http://127.0.0.1:${server.address().port}/`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close(() => process.exit(0));
    server.closeAllConnections?.();
  });
}
