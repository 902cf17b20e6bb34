/** Owns the words and codes for what the svn program reports. The codes are those of every source, `git.*`. */
import { DomainError } from '../contract/errors.ts';
import type { CommandResult } from '../process/run-command.ts';
import { cancelled, timedOut } from './git-errors.ts';
import { accessHostOf } from './remote-access.ts';

/** Its numbers as text, the last line first: the outer messages say less. */
function reasonOf(stderr: string): string {
  const lines = stderr.split('\n').filter(line => line.startsWith('svn: E'));
  return (lines.at(-1) ?? stderr.trim()).replace(/\p{Cc}/gu, ' ').slice(0, 300) || 'no message';
}

export function svnNeeded(url: string): DomainError {
  return new DomainError(
    'toolchain.missing',
    `${url} is a Subversion repository, which needs the svn program, and there is none on this machine. Install Subversion.`,
    { url, tool: 'svn' },
  );
}

export function svnBranchMissing(url: string, branch: string): DomainError {
  return new DomainError(
    'git.branch_missing',
    `The Subversion repository ${url} has no path "${branch}". Choose another branch.`,
    { url, branch },
  );
}

/**
 * The error for a run that did not succeed. Source: svn_error_codes.h and apr_errno.h: E170013 no connection, E170001 and E215004 refused,
 * E160006 no such revision, E160013, E170000, E200009 and E180001 no such path or repository.
 */
export function svnErrorOf(url: string, result: CommandResult, timeoutMs: number): DomainError {
  if (result.outcome === 'cancelled') return cancelled(url);
  if (result.outcome === 'timed_out') return timedOut(url, timeoutMs);
  if (result.outcome === 'output_too_large') {
    return new DomainError('git.protocol', `The answer of the Subversion server of ${url} is too long to be read.`, {
      url,
    });
  }
  const text = result.stderr.toString('utf8');
  const reason = reasonOf(text);
  if (/E(170001|215004|220004|195019)\b/.test(text)) {
    const host = accessHostOf(url);
    return new DomainError(
      'git.auth_failed',
      `The Subversion repository ${url} cannot be read without credentials, or those given are refused (${reason}).${host === null ? '' : ` Give a password: slipway git access set ${host} --user NAME`}`,
      { url },
    );
  }
  if (/E160006\b/.test(text)) {
    return new DomainError(
      'git.revision_missing',
      `The Subversion repository ${url} does not have that revision (${reason}).`,
      { url },
    );
  }
  if (/E(170000|160013|200009|180001|160005|210005|160016)\b/.test(text) && !/E000(111|113|110)\b/.test(text)) {
    return new DomainError(
      'git.not_found',
      `There is no Subversion repository or path at ${url} (${reason}). Check the address.`,
      { url },
    );
  }
  if (/No space left|E000028\b/.test(text)) {
    return new DomainError(
      'store.full',
      `The disk is full: ${reason}. Free some space; the checkout is tried again by itself.`,
      { url },
    );
  }
  if (/E(170013|670002|670008|175002|175012|120106|210002|000\d{3})\b/.test(text)) {
    return new DomainError(
      'git.unreachable',
      `The Subversion server of ${url} cannot be reached: ${reason}. Check the address and the network.`,
      { url },
    );
  }
  return new DomainError('git.protocol', `The Subversion repository ${url} cannot be read (${reason}).`, { url });
}
