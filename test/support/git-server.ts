/** Owns a real Git server for tests: `git http-backend` behind HTTP on loopback, with repositories made by the git program. */
import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { devNull, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const gitEnvironment = {
  PATH: process.env.PATH,
  LC_ALL: 'C',
  GIT_CONFIG_GLOBAL: devNull,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.test',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.test',
};

/** Runs git in a folder with no configuration but the folder's own; its stdout, trimmed. */
export async function git(folder: string, ...args: string[]): Promise<string> {
  const { stdout } = await run('git', args, { cwd: folder, env: gitEnvironment });
  return stdout.trim();
}

export interface TestRepository {
  /** The working tree. */
  readonly folder: string;
  readonly url: string;
  /** Commits these files on the current branch; the commit's id. */
  commit(files: Readonly<Record<string, string>>, message: string): Promise<string>;
}

export interface GitServer {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  /** Method and path of each request, with the TCP port that it came from. */
  readonly requests: readonly { readonly line: string; readonly fromPort: number | undefined }[];
  /** A repository with a branch `main` and no commit. */
  createRepository(name: string): Promise<TestRepository>;
  stop(): Promise<void>;
}

/** Starts a server; with `auth`, each request must carry these credentials. With `isOld` it knows no protocol 2. */
export async function startGitServer(
  options: { auth?: { user: string; password: string }; isOld?: boolean } = {},
): Promise<GitServer> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-git-server-'));
  const requests: { line: string; fromPort: number | undefined }[] = [];
  const expected =
    options.auth === undefined
      ? null
      : `Basic ${Buffer.from(`${options.auth.user}:${options.auth.password}`).toString('base64')}`;
  const server = createServer((request, response) => {
    requests.push({ line: `${request.method} ${request.url}`, fromPort: request.socket.remotePort });
    if (expected !== null && request.headers.authorization !== expected) {
      request.resume();
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end('credentials are needed');
      return;
    }
    runBackend(root, request, response, options.isOld ? '' : String(request.headers['git-protocol'] ?? ''));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const origin = `http://127.0.0.1:${port}`;
  return {
    origin,
    requests,
    async createRepository(name) {
      const folder = join(root, name);
      await mkdir(folder, { recursive: true });
      await git(folder, 'init', '--quiet', '--initial-branch=main');
      return {
        folder,
        url: `${origin}/${name}/.git`,
        async commit(files, message) {
          for (const [path, text] of Object.entries(files)) {
            await mkdir(dirname(join(folder, path)), { recursive: true });
            await writeFile(join(folder, path), text);
          }
          await git(folder, 'add', '--all');
          await git(folder, 'commit', '--quiet', '--allow-empty', '-m', message);
          return await git(folder, 'rev-parse', 'HEAD');
        },
      };
    },
    async stop() {
      await new Promise<void>(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** CGI as in RFC 3875: headers of the answer, an empty line, the body. */
function runBackend(root: string, request: IncomingMessage, response: ServerResponse, protocol: string): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const child = spawn('git', ['http-backend'], {
    env: {
      ...gitEnvironment,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: request.method,
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: protocol,
      ...(request.headers['content-length'] === undefined ? {} : { CONTENT_LENGTH: request.headers['content-length'] }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  let head = Buffer.alloc(0);
  child.stdout.on('data', (chunk: Buffer) => {
    if (response.headersSent) {
      response.write(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    let status = 200;
    for (const line of head.subarray(0, end).toString('latin1').split('\r\n')) {
      const colon = line.indexOf(':');
      const value = line.slice(colon + 1).trim();
      if (line.slice(0, colon).toLowerCase() === 'status') status = Number.parseInt(value, 10);
      else response.setHeader(line.slice(0, colon), value);
    }
    response.writeHead(status);
    response.write(head.subarray(end + 4));
  });
  child.on('close', () => response.end());
}
