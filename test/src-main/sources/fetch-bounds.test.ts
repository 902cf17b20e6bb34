import { readdir } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findGit } from '../../../src-main/sources/git-cli.ts';
import { lastLine } from '../../../src-main/sources/git-errors.ts';
import { createMirror } from '../../../src-main/sources/mirror.ts';
import { anonymous, type FetchBounds } from '../../../src-main/sources/remote-access.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const gitPath = await findGit();
const revision = 'a'.repeat(40);
const packet = (text: string | Buffer) => {
  const body = Buffer.from(text);
  return Buffer.concat([Buffer.from((body.length + 4).toString(16).padStart(4, '0')), body]);
};

/** A server that has one branch, and whose pack is whatever `stream` writes, until the connection ends. */
async function startEndless(stream: (write: (band: number, data: Buffer) => void, answer: ServerResponse) => void) {
  const server = createServer((asked, answer) => {
    const chunks: Buffer[] = [];
    asked.on('data', chunk => chunks.push(chunk));
    asked.on('end', () => {
      const isDiscovery = asked.method === 'GET';
      answer.setHeader('content-type', `application/x-git-upload-pack-${isDiscovery ? 'advertisement' : 'result'}`);
      if (isDiscovery) {
        const lines = ['version 2\n', 'ls-refs\n', 'fetch=shallow\n', 'object-format=sha1\n'].map(packet);
        answer.end(
          Buffer.concat([packet('# service=git-upload-pack\n'), Buffer.from('0000'), ...lines, Buffer.from('0000')]),
        );
      } else if (Buffer.concat(chunks).includes('command=ls-refs')) {
        answer.end(Buffer.concat([packet(`${revision} refs/heads/main\n`), Buffer.from('0000')]));
      } else {
        answer.write(Buffer.concat([packet('shallow-info\n'), packet(`shallow ${revision}`), Buffer.from('0001')]));
        answer.write(packet('packfile\n'));
        const write = (band: number, data: Buffer) => answer.write(packet(Buffer.concat([Buffer.from([band]), data])));
        stream(write, answer);
      }
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/app.git`;
}

/** Writes as fast as it is taken, until the other side is gone. */
function endlessly(answer: ServerResponse, write: () => boolean): void {
  const more = () => {
    if (answer.destroyed) return;
    if (write()) setImmediate(more);
    else answer.once('drain', more);
  };
  more();
}

async function fetchFrom(url: string, bounds: Partial<FetchBounds>) {
  const root = await scratchFolder();
  const fetchBounds = async () => ({ maxBytes: 2 ** 40, stallMs: 3_600_000, lookEveryMs: 20, ...bounds });
  const mirror = createMirror({
    folder: join(root, 'm.git'),
    url,
    gitPath,
    logger: silentLogger,
    access: { ...anonymous, fetchBounds },
  });
  return { root, fetching: mirror.fetch({ branch: 'main' }) };
}

/** The head of a pack that says it has a million objects. Source: gitformat-pack(5). */
const packHead = Buffer.concat([Buffer.from('PACK'), Buffer.from([0, 0, 0, 2, 0, 15, 66, 64])]);

test('a pack without end is ended above what a fetch may bring', async () => {
  // A blob of 2^39 bytes, stored without compression: type 3, then blocks of 65,535 bytes. Source: RFC 1951, 3.2.4.
  const entryHead = Buffer.from([0xb0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10, 0x78, 0x01]);
  const block = Buffer.concat([Buffer.from([0, 0xff, 0x7f, 0x00, 0x80]), Buffer.alloc(0x7fff)]);
  const url = await startEndless((write, answer) => {
    write(1, Buffer.concat([packHead, entryHead]));
    endlessly(answer, () => {
      write(1, block);
      return !answer.writableNeedDrain;
    });
  });
  const { root, fetching } = await fetchFrom(url, { maxBytes: 4 * 1024 * 1024 });
  await expect(fetching).rejects.toMatchObject({ code: 'source.too_large' });
  expect(await readdir(root)).toEqual(['m.git']);
});

test('a server that only keeps the connection busy is ended when nothing arrives', async () => {
  const url = await startEndless((write, answer) => {
    const timer = setInterval(() => write(1, Buffer.alloc(0)), 5);
    answer.on('close', () => clearInterval(timer));
  });
  const { fetching } = await fetchFrom(url, { stallMs: 300 });
  await expect(fetching).rejects.toMatchObject({ code: 'git.timeout', details: { stallMs: 300 } });
});

test('a server that talks without end is ended', async () => {
  const words = Buffer.from(`${'still counting '.repeat(2_000)}\n`);
  const url = await startEndless((write, answer) =>
    endlessly(answer, () => {
      write(2, words);
      return !answer.writableNeedDrain;
    }),
  );
  const { fetching } = await fetchFrom(url, {});
  await expect(fetching).rejects.toMatchObject({ code: 'git.protocol' });
});

test('a pack that lies about what it holds is refused, and nothing of it is kept', async () => {
  const url = await startEndless((write, answer) => {
    write(1, Buffer.concat([packHead, Buffer.from('no object at all'), Buffer.alloc(20)]));
    answer.end(Buffer.from('0000'));
  });
  const { fetching } = await fetchFrom(url, {});
  await expect(fetching).rejects.toMatchObject({ code: expect.stringMatching(/^git\.(protocol|unreachable)$/) });
});

test('what a server says moves no cursor', () => {
  expect(lastLine('fatal: remote error: \u001b[2Jgone\u0007\n')).toBe('remote error:  [2Jgone ');
});
