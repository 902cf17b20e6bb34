/**
 * Owns the servers that the poll bench asks, in a process of its own: many repositories on one healthy server that answers protocol 2 from
 * memory, and servers that hang, are slow, or fail. Pushes at random, and tells when.
 * Source of the answers: gitprotocol-v2(5), gitprotocol-http(5).
 */
import { randomBytes, randomInt } from 'node:crypto';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

export type Temper = 'healthy' | 'hanging' | 'slow' | 'failing';

const slowMs = 3_000;
const startSchema = z.object({ repositories: z.number(), troubled: z.number() });
const messageSchema = z.object({ push: z.number() });

const line = (text: string) => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`;
const capabilities = `${line('# service=git-upload-pack\n')}0000${line('version 2\n')}${line('agent=git/bench\n')}${line('ls-refs=unborn\n')}${line('object-format=sha1\n')}0000`;

const { repositories, troubled } = startSchema.parse(JSON.parse(process.argv[2] ?? ''));
const revisions = Array.from({ length: repositories }, () => randomBytes(20).toString('hex'));
let answers = 0;

function answer(response: ServerResponse, advertise: boolean, index: number): void {
  if (!advertise) answers += 1;
  const kind = advertise ? 'advertisement' : 'result';
  response.writeHead(200, { 'content-type': `application/x-git-upload-pack-${kind}`, 'cache-control': 'no-cache' });
  const revision = revisions[index] ?? '';
  const refs = [`${revision} HEAD symref-target:refs/heads/main\n`, `${revision} refs/heads/main\n`];
  response.end(advertise ? capabilities : `${refs.map(line).join('')}0000`);
}

const listenerOf =
  (temper: Temper): RequestListener =>
  (request, response) => {
    request.resume();
    const index = Number(/^\/(\d+)\.git\//.exec(request.url ?? '')?.[1] ?? -1);
    const isAdvertisement = request.method === 'GET';
    if (temper === 'hanging') return;
    if (temper === 'failing') response.writeHead(500).end();
    else if (temper === 'slow') setTimeout(() => answer(response, isAdvertisement, index), slowMs);
    else answer(response, isAdvertisement, index);
  };

async function listen(temper: Temper): Promise<string> {
  const server = createServer({ keepAliveTimeout: 60_000 }, listenerOf(temper));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', 1_024, resolve));
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}

const healthy = await listen('healthy');
const tempers: readonly Temper[] = ['hanging', 'slow', 'failing'];
// A server for every ten troubled repositories, as they lie in the world.
const urls: string[] = [];
for (let index = 0; index < troubled; index += 1) {
  const temper = tempers[index % tempers.length] ?? 'hanging';
  if (index < tempers.length || index % 30 < tempers.length) urls[index] = await listen(temper);
  else urls[index] = urls[index - tempers.length] ?? '';
}
process.send?.({
  urls: revisions.map((_, index) => `${index < troubled ? urls[index] : healthy}/${index}.git`),
  revisions,
});

process.on('message', value => {
  const { push: count } = messageSchema.parse(value);
  const pushed: { readonly index: number; readonly revision: string; readonly atMs: number }[] = [];
  for (let done = 0; done < count; done += 1) {
    const revision = randomBytes(20).toString('hex');
    const index = randomInt(troubled, repositories);
    revisions[index] = revision;
    pushed.push({ index, revision, atMs: Date.now() });
  }
  process.send?.({ pushed, answers });
});
process.on('disconnect', () => process.exit(0));
