/** Owns the built interface as it is served: a fixed list of files, read once, so that no path from outside reaches the disk. */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { extname, join, relative, sep } from 'node:path';

/** By the ending of a file's name. */
export const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/** Everything from ourselves and nothing inline; xterm sets styles through the CSSOM, which this allows. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export interface StaticFiles {
  /** Answers with the file at a URL path; false when there is none. */
  serve(path: string, response: ServerResponse, headOnly: boolean): boolean;
  readonly isEmpty: boolean;
}

export interface BuiltFile {
  readonly path: string;
  readonly sizeBytes: number;
}

/** The files below `folder`, by URL path; none when it does not exist. Not links: they may lead anywhere. */
export async function listBuiltFiles(folder: string): Promise<ReadonlyMap<string, BuiltFile>> {
  const files = new Map<string, BuiltFile>();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries.filter(candidate => candidate.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const { size } = await stat(path);
    files.set(`/${relative(folder, path).split(sep).join('/')}`, { path, sizeBytes: size });
  }
  return files;
}

/** The built interface in `folder`; empty when it is not built. */
export async function listStaticFiles(folder: string): Promise<StaticFiles> {
  const files = new Map(await listBuiltFiles(folder));
  const index = files.get('/index.html');
  if (index) files.set('/', index);
  return {
    isEmpty: files.size === 0,
    serve(path, response, headOnly) {
      const file = files.get(path);
      if (!file) return false;
      const isHashed = path.startsWith('/assets/');
      response.writeHead(200, {
        'content-type': contentTypes[extname(file.path)] ?? 'application/octet-stream',
        'content-length': file.sizeBytes,
        'cache-control': isHashed ? 'public, max-age=31536000, immutable' : 'no-store',
        'content-security-policy': contentSecurityPolicy,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      });
      if (headOnly) response.end();
      else
        createReadStream(file.path)
          .on('error', () => response.destroy())
          .pipe(response);
      return true;
    },
  };
}
