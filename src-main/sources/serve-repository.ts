/** Owns serving one repository, read only, over Git's smart HTTP, through the git program's upload-pack. For the demo and tests. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { DomainError } from '../contract/errors.ts';
import { findGit, startUploadPack } from './git-cli.ts';
import { findGitFolder } from './local-repository.ts';

export interface ServedRepository {
  readonly url: string;
  stop(): Promise<void>;
}

const repositoryPath = '/sample.git';

/**
 * Serves `repositoryFolder` under one URL until `stop`, which also breaks off what is under way. Port 0 takes a free one.
 *
 * Throws `toolchain.missing` without the git program, `git.not_found`, `host.port_in_use`. Source: gitprotocol-http(5).
 */
export async function serveRepository(options: {
  readonly repositoryFolder: string;
  readonly host: '127.0.0.1';
  readonly port: number;
}): Promise<ServedRepository> {
  const gitPath = await findGit();
  if (gitPath === null) {
    throw new DomainError(
      'toolchain.missing',
      'Serving a repository over HTTP needs the git program, which is not on the PATH. Install Git and try again.',
      { program: 'git' },
    );
  }
  const folder = await findGitFolder(options.repositoryFolder);
  const server = createServer((request, response) => {
    answer(gitPath, folder, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', cause => {
      reject(
        new DomainError(
          'host.port_in_use',
          `The sample repository cannot be served on ${options.host}:${options.port}. Choose another port.`,
          { port: options.port },
          { cause },
        ),
      );
    });
    server.listen(options.port, options.host, resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  return {
    url: `http://${options.host}:${port}${repositoryPath}`,
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  gitPath: string,
  folder: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const route = `${request.method} ${request.url}`;
  const advertise = route === `GET ${repositoryPath}/info/refs?service=git-upload-pack`;
  if (!advertise && route !== `POST ${repositoryPath}/git-upload-pack`) {
    request.resume();
    response
      .writeHead(404, { 'content-type': 'text/plain' })
      .end('There is nothing here but one repository, to read.\n');
    return;
  }
  const protocol = request.headers['git-protocol'];
  const version = typeof protocol === 'string' ? protocol : undefined;
  const child = startUploadPack(gitPath, { folder, advertise, protocol: version });
  child.on('error', () => response.destroy());
  response.on('close', () => child.kill());
  response.writeHead(200, {
    'content-type': `application/x-git-upload-pack-${advertise ? 'advertisement' : 'result'}`,
    'cache-control': 'no-cache',
  });
  // Older clients read the name of the service first; in protocol 2 the answer begins with its version.
  if (advertise && version !== 'version=2') response.write('001e# service=git-upload-pack\n0000');
  const gzipped = request.headers['content-encoding'] === 'gzip';
  const input = gzipped ? pipeline(request, createGunzip(), child.stdin) : pipeline(request, child.stdin);
  // upload-pack may have said all before it has read all.
  await Promise.all([input.catch(() => undefined), pipeline(child.stdout, response)]);
}
