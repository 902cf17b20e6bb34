/** Owns how git hands large files to the Git LFS program: from where, and which of a repository's own settings do not count. */
import { join } from 'node:path';
import { DomainError } from '../contract/errors.ts';
import { findProgram } from './find-program.ts';
import type { RemoteOptions } from './git-cli.ts';
import { lastLine } from './git-errors.ts';
import type { GitLocation } from './git-url.ts';
import { findGitFolder } from './local-repository.ts';
import type { RemoteAccess } from './remote-access.ts';
import { remoteOptions } from './remote-options.ts';

const quoted = (path: string) => `'${path.replaceAll("'", "'\\''")}'`;

/** Where a repository's large files are. Source: git-lfs, docs/api/server-discovery.md. */
function lfsUrl({ transport, url }: GitLocation): string {
  if (transport === 'file') return `file://${url}`;
  if (transport === 'ssh') return url;
  return `${url.endsWith('.git') ? url : `${url}.git`}/info/lfs`;
}

/**
 * For a checkout. A tree's `.lfsconfig` cannot choose another server or leave files out: settings of the run come before it.
 * Source: git-lfs-config(5). Throws `toolchain.missing`, and what `loginFor` throws.
 */
export async function lfsOptions(location: GitLocation, access: RemoteAccess): Promise<RemoteOptions> {
  const program = await findProgram('git-lfs');
  if (program === null) {
    throw new DomainError(
      'toolchain.missing',
      `LFS files of ${location.url} are to be fetched, and there is no git-lfs program on this machine. Install Git LFS, or turn it off for this repository.`,
      { url: location.url, tool: 'git-lfs' },
    );
  }
  const remote = await remoteOptions(location, access);
  // What a repository on this machine has is read where it lies.
  const storage =
    location.transport === 'file' ? [`lfs.storage=${join(await findGitFolder(location.url), 'lfs')}`] : [];
  return {
    ...remote,
    settings: [
      ...remote.settings,
      ...storage,
      `filter.lfs.process=${quoted(program)} filter-process`,
      `filter.lfs.smudge=${quoted(program)} smudge -- %f`,
      'filter.lfs.required=true',
      `lfs.url=${lfsUrl(location)}`,
      'lfs.skipdownloaderrors=false',
      'lfs.fetchexclude=',
      'lfs.fetchinclude=',
      'lfs.locksverify=false',
    ],
  };
}

/** The error where a large file could not be fetched; null where the run failed for something else. */
export function lfsErrorOf(url: string, stderr: string): DomainError | null {
  if (!/smudge|filter-process|filter.*lfs|LFS/i.test(stderr)) return null;
  const said =
    stderr.split('\n').find(line => /batch|error|not found|authoriz|\[\d{3}\]/i.test(line)) ?? lastLine(stderr);
  const message = `A large file of ${url} cannot be fetched from its LFS server (${said
    .replace(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, 300)}).`;
  if (/HTTP: 40[13]|Authorization error|Authentication required|could not read (Username|Password)/i.test(stderr))
    return new DomainError('git.auth_failed', message, { url });
  return new DomainError('git.unreachable', message, { url });
}
