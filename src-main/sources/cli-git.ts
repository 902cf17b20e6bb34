/** Owns one run of the git program for a mirror: what it is told of its remote, and what its failure means. */
import { DomainError } from '../contract/errors.ts';
import type { CommandResult } from '../process/run-command.ts';
import { type GitRun, runGit } from './git-cli.ts';
import { cancelled, lastLine, protocolError, remoteErrorOf, timedOut } from './git-errors.ts';
import type { GitLocation } from './git-url.ts';
import { damaged } from './mirror-files.ts';
import type { RemoteAccess } from './remote-access.ts';
import { sshErrorOf } from './ssh-program.ts';

const localTimeoutMs = 5 * 60 * 1000;
/** A first fetch of a large repository over a slow line; what fetch-bounds.ts and git-cli.ts refuse ends much earlier. */
export const fetchTimeoutMs = 60 * 60 * 1000;

export type CliResult = CommandResult & { readonly text: string };

export interface CliGit {
  readonly location: GitLocation;
  readonly access: RemoteAccess;
  /** Five minutes unless told otherwise. Throws `job.cancelled`, `git.timeout`, and `git.protocol` for what prints without end. */
  run(options: Omit<GitRun, 'timeoutMs'> & { readonly timeoutMs?: number }): Promise<CliResult>;
  /** What a failed exchange with the remote means: the remote's fault, the disk's, or else the mirror's own. */
  failureOf(text: string): Promise<Error>;
}

export function createCliGit(location: GitLocation, gitPath: string, access: RemoteAccess): CliGit {
  const { transport, url } = location;
  return {
    location,
    access,
    async run(options) {
      const timeoutMs = options.timeoutMs ?? localTimeoutMs;
      const result = await runGit(gitPath, { ...options, timeoutMs });
      switch (result.outcome) {
        case 'cancelled':
          throw cancelled(url);
        case 'timed_out':
          throw timedOut(url, timeoutMs);
        case 'output_too_large':
          throw protocolError(url, 'it has more to say than is read');
        case 'exited':
          return { ...result, text: result.stderr.toString('utf8') };
      }
    },
    async failureOf(text) {
      if (/No space left|Disk quota exceeded/i.test(text)) {
        return new DomainError(
          'store.full',
          `The disk is full, so ${url} cannot be fetched (${lastLine(text)}). Free some space; it is tried again by itself.`,
          { url },
        );
      }
      const fromSsh = transport === 'ssh' ? await sshErrorOf(url, text, access.knownHostsFile) : null;
      return fromSsh ?? remoteErrorOf(url, text) ?? damaged(text);
    },
  };
}
