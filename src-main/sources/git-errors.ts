/** Owns the words and codes for what goes wrong with a remote repository, whichever library or program reported it. */
import type { IncomingHttpHeaders } from 'node:http';
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';
import { formatSize } from '../domain/format-size.ts';
import { rateLimitOf, retryAfterMs } from './rate-limit.ts';
import { accessHostOf, mayCarryLogin } from './remote-access.ts';

const dnsCodes = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_NONAME']);

/** What a person does to open the repository, where a token would: one is sent over https alone. */
function giveToken(url: string): string {
  const host = accessHostOf(url);
  if (host === null) return 'Check who may read it.';
  if (!mayCarryLogin(url)) return 'Use its https:// address: a token is never sent over http.';
  return `Give a token that may read it: slipway git access set ${host}`;
}

export function authFailed(url: string, detail: string): DomainError {
  return new DomainError(
    'git.auth_failed',
    `The repository ${url} cannot be read without credentials, or those given are refused (${detail}). Check the address. ${giveToken(url)}`,
    { url },
  );
}

export function notFound(url: string, detail: string): DomainError {
  return new DomainError(
    'git.not_found',
    `There is no Git repository at ${url} (${detail}). Check the address for typing errors. Is it private? ${giveToken(url)}`,
    { url },
  );
}

export function timedOut(url: string, timeoutMs: number): DomainError {
  return new DomainError(
    'git.timeout',
    `The repository ${url} did not answer in full within ${Math.round(timeoutMs / 100) / 10} s. Check the server and the network.`,
    { url, timeoutMs },
  );
}

/** A fetch of which nothing more arrives, whatever its server says meanwhile. */
export function fetchStalled(url: string, stallMs: number): DomainError {
  return new DomainError(
    'git.timeout',
    `Nothing of the repository ${url} has arrived for ${Math.round(stallMs / 100) / 10} s. Check the server and the network; it is tried again by itself.`,
    { url, stallMs },
  );
}

export function fetchTooLarge(url: string, maxBytes: number): DomainError {
  return new DomainError(
    'source.too_large',
    `The repository ${url} sends more than ${formatSize(maxBytes)}, which is all that mirrors may take here. Is it the right one? Then allow more: slipway settings set sources.mirrorBytes`,
    { url, maxBytes },
  );
}

export function cancelled(url: string): DomainError {
  return new DomainError('job.cancelled', `Reading the repository ${url} was cancelled. Start it again to go on.`, {
    url,
  });
}

export function protocolError(url: string, detail: string, cause?: unknown): DomainError {
  return new DomainError(
    'git.protocol',
    `The answer of ${url} is not what a Git server sends (${detail}). Check that the address is the one for cloning.`,
    { url },
    { cause },
  );
}

export function unreachable(url: string, detail: string, cause?: unknown): DomainError {
  return new DomainError(
    'git.unreachable',
    `The server of ${url} cannot be reached: ${detail}. Check the address and the network.`,
    { url },
    { cause },
  );
}

/** What only the git program can do, where it is missing. */
export function gitNeeded(url: string): DomainError {
  return new DomainError(
    'toolchain.missing',
    `${url} is reached over ssh, which needs the git program, and there is none on this machine. Install git, or use the https address.`,
    { url, tool: 'git' },
  );
}

/** What a checkout is to fetch beside the tree itself. */
export function gitNeededFor(url: string): DomainError {
  return new DomainError(
    'toolchain.missing',
    `Submodules and LFS files of ${url} are fetched by the git program, and there is none on this machine. Install git, or turn them off for this repository.`,
    { url, tool: 'git' },
  );
}

export function emptyRepository(url: string): DomainError {
  return new DomainError('git.empty', `The repository ${url} has no branch yet. Push a first commit.`, {
    url,
  });
}

export function branchMissing(url: string, branch: string): DomainError {
  return new DomainError(
    'git.branch_missing',
    `The repository ${url} has no branch "${branch}". Push it, or choose another branch.`,
    { url, branch },
  );
}

/** A branch that was watched and is no longer there; `successor` is where it probably went. */
export function branchGone(url: string, branch: string, successor: string | null): DomainError {
  const way =
    successor === null
      ? 'Push it again, or choose another branch'
      : `Did it become "${successor}"? Watch that one instead: slipway repo set NAME --branch ${successor}`;
  return new DomainError(
    'git.branch_missing',
    `The branch "${branch}" is gone from ${url}. What was queued of it is still built, and it is taken up again when it comes back. ${way}`,
    { url, branch, successor },
  );
}

export function revisionMissing(url: string, revision: string): DomainError {
  return new DomainError(
    'git.revision_missing',
    `The revision ${revision.slice(0, 12)} is not in ${url} any more. It was probably replaced by a forced push; build the branch's newest revision instead.`,
    { url, revision },
  );
}

/** `details.retryAfterMs` is what the server asks for; null where it says nothing. */
function rateLimited(url: string, detail: string, wait: number | null): DomainError {
  const when = wait === null ? 'later' : `in ${Math.ceil(wait / 1_000)} s`;
  return new DomainError(
    'git.rate_limited',
    `The server of ${url} has been asked too often (${detail}). It is asked again ${when} by itself, and less often from then on.`,
    { url, retryAfterMs: wait },
  );
}

/** The error for an answer whose HTTP status is not 200. `headers` are known where the answer came to us and not to git. */
export function httpStatusError(url: string, status: number, headers: IncomingHttpHeaders = {}): DomainError {
  const detail = `HTTP ${status}`;
  const now = Date.now();
  const limit = rateLimitOf(headers, now);
  const wait = retryAfterMs(headers, now) ?? (limit?.remaining === 0 ? Math.max(0, limit.resetAtMs - now) : null);
  // GitHub answers 403 as well as 429 to who is over its limit.
  if (status === 429 || (wait !== null && (status === 503 || status === 403))) return rateLimited(url, detail, wait);
  // 203 is what Azure DevOps answers, with a sign-in page. Source: isomorphic-git, GitRemoteHTTP.discover.
  if (status === 401 || status === 403 || status === 407 || status === 203) return authFailed(url, detail);
  if (status === 404 || status === 410) return notFound(url, detail);
  if (status >= 500) return unreachable(url, `it answers with ${detail}`);
  return protocolError(url, detail);
}

/** The error for a connection that could not be made or did not last. */
export function connectionError(url: string, error: unknown): DomainError {
  const code = systemErrorCode(error) ?? '';
  if (dnsCodes.has(code)) return unreachable(url, `its host name is not known (${code})`, error);
  if (code === 'ECONNREFUSED') return unreachable(url, 'nothing listens there (ECONNREFUSED)', error);
  if (/^(CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|ERR_TLS|ERR_SSL|EPROTO|HOSTNAME_MISMATCH)/.test(code)) {
    return unreachable(url, `the secure connection failed (${code}); its certificate may not be trusted here`, error);
  }
  if (/^HPE_/.test(code)) return protocolError(url, `not HTTP: ${code}`, error);
  return unreachable(url, code === '' ? messageOf(error) : code, error);
}

/**
 * The error for what git wrote on stderr (with LC_ALL=C) at a failed fetch or ls-remote; null when it is not about the remote.
 * Source: git's remote-curl.c, http.c, transport.c, connect.c and setup.c of version 2.39.
 */
export function remoteErrorOf(url: string, stderr: string): DomainError | null {
  const last = lastLine(stderr);
  const status = /The requested URL returned error: (\d{3})/.exec(stderr);
  if (status !== null) return httpStatusError(url, Number(status[1]));
  if (/Authentication failed|could not read (Username|Password)|Permission denied/i.test(stderr))
    return authFailed(url, last);
  if (/Operation too slow|Operation timed out/.test(stderr)) {
    return new DomainError(
      'git.timeout',
      `The repository ${url} stopped sending (${last}). Check the server and the network.`,
      {
        url,
      },
    );
  }
  if (isMalformed(stderr)) return malformedObject(url, stderr);
  if (/dubious ownership/.test(stderr)) {
    return new DomainError(
      'git.auth_failed',
      `The repository ${url} belongs to another user of this machine, and Git refuses to read it for that reason. Run Slipway as its owner, or make a copy of it that is yours.`,
      { url },
    );
  }
  if (/Could not resolve host/.test(stderr)) return unreachable(url, 'its host name is not known', stderr);
  if (/SSL|certificate|TLS/i.test(last)) return unreachable(url, `the secure connection failed (${last})`, stderr);
  if (/Failed to connect|Connection refused|Recv failure|Could(n't| not) connect|Connection timed out/i.test(stderr)) {
    return unreachable(url, last, stderr);
  }
  if (/repository '.*' not found|does not appear to be a git repository|does not exist/i.test(stderr))
    return notFound(url, last);
  if (/early EOF|RPC failed|hung up unexpectedly|unexpected disconnect|empty reply/i.test(stderr)) {
    return unreachable(url, `the connection broke off (${last})`, stderr);
  }
  return null;
}

/** Whether git refused what a remote sent, for what the objects say and not for how they came. Source: git's fsck.c. */
export const isMalformed = (stderr: string) => /fsck error/.test(stderr);

function malformedObject(url: string, stderr: string): DomainError {
  const fault = /^error: object ([0-9a-f]{40}): (.+)$/m.exec(stderr);
  const which = fault === null ? lastLine(stderr) : `object ${fault[1]}: ${printable(fault[2] ?? '')}`;
  return new DomainError(
    'git.protocol',
    `The history of ${url} holds an object that Git refuses (${which}). Nothing of it was taken. Remove it from the branch, or make the repository anew from a clone that git fsck accepts.`,
    { url },
  );
}

/** What only says that something went wrong, after the line that says what. */
const onlyThat = /^fatal: (index-pack failed|fetch-pack: invalid index-pack output)$/;

/** The last line that git marked as fatal, else the last line: what a person needs to see of its stderr. */
export function lastLine(stderr: string): string {
  const all = stderr.split('\n').filter(line => line.trim() !== '');
  const telling = all.filter(line => !onlyThat.test(line));
  const lines = telling.some(text => /^(fatal|error):/.test(text)) ? telling : all;
  const line = lines.findLast(text => /^(fatal|error):/.test(text)) ?? lines.at(-1) ?? 'no message';
  return printable(line.replace(/^(fatal|error): /, ''));
}

/** A server may put what it likes into its words, also what moves a terminal's cursor. */
const printable = (text: string) => text.replace(/\p{Cc}+/gu, ' ').slice(0, 300);
