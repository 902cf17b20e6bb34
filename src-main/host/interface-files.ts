/** Owns the built interface as the desktop serves it: a fixed list of files, so that no address reaches the rest of the disk. */
import { createReadStream } from 'node:fs';
import { extname } from 'node:path';
import { isInterfaceUrl } from './interface-address.ts';
import { contentSecurityPolicy, contentTypes, listBuiltFiles } from './static-files.ts';

const textType = 'text/plain; charset=utf-8';

export interface InterfaceFiles {
  /** Answers a GET or HEAD of one of our own files; anything else is refused with a status. */
  answer(request: { readonly url: string; readonly method: string }): Response;
  readonly isEmpty: boolean;
}

/** The files below `folder`, by URL path; none when it does not exist. */
export async function listInterfaceFiles(folder: string): Promise<InterfaceFiles> {
  const files = await listBuiltFiles(folder);
  return {
    isEmpty: files.size === 0,
    answer({ url, method }) {
      if (!isInterfaceUrl(url)) return refuse(403, 'This is not an address of Slipway.');
      if (method !== 'GET' && method !== 'HEAD') return refuse(405, 'Files are only read.');
      const { pathname } = new URL(url);
      const file = files.get(pathname === '/' ? '/index.html' : pathname);
      if (!file) return refuse(404, 'There is no such file.');
      return new Response(method === 'HEAD' ? null : readBody(file.path), {
        headers: {
          'content-type': contentTypes[extname(file.path)] ?? 'application/octet-stream',
          'content-length': String(file.sizeBytes),
          'content-security-policy': contentSecurityPolicy,
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'no-referrer',
        },
      });
    },
  };
}

/** Reads as fast as the page takes it, and no further. */
function readBody(path: string): ReadableStream<Uint8Array> {
  const chunks: AsyncIterator<Uint8Array> = createReadStream(path)[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const next = await chunks.next();
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      await chunks.return?.();
    },
  });
}

function refuse(status: number, message: string): Response {
  return new Response(`${message}\n`, { status, headers: { 'content-type': textType } });
}
