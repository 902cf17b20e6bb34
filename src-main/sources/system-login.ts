/** Owns what the credential helpers of the person's own git know of a repository: asked without prompts, and kept for minutes. */
import { DomainError } from '../contract/errors.ts';
import { askCredentialHelpers, findGit } from './git-cli.ts';
import { lastLine } from './git-errors.ts';
import type { GitLogin } from './remote-access.ts';

/** A locked key ring may wait for its person. */
const askTimeoutMs = 5_000;
/** Polls come every few seconds and each question costs processes; a token that was renewed is known after this. */
const keptForMs = 5 * 60_000;

export interface SystemLogins {
  /** Throws `git.auth_failed` where no helper knows a login, `toolchain.missing` without git. */
  find(url: string): Promise<GitLogin>;
}

async function ask(url: string): Promise<GitLogin> {
  const gitPath = await findGit();
  if (gitPath === null) {
    throw new DomainError(
      'toolchain.missing',
      `The system's login for ${url} is asked of git, and there is no git program on this machine. Install git, or give a token: slipway git access set ${new URL(url).host}`,
      { url, tool: 'git' },
    );
  }
  const { protocol, host, pathname } = new URL(url);
  // A path only matters where the person has set credential.useHttpPath. Source: gitcredentials(7).
  const description = `protocol=${protocol.slice(0, -1)}\nhost=${host}\npath=${pathname.slice(1)}\n\n`;
  const result = await askCredentialHelpers(gitPath, description, askTimeoutMs);
  const lines = result.stdout.toString('utf8').split('\n');
  const fieldOf = (name: string) => lines.find(line => line.startsWith(`${name}=`))?.slice(name.length + 1);
  const [user, token] = [fieldOf('username'), fieldOf('password')];
  if (result.exitCode === 0 && user !== undefined && token !== undefined && token !== '') return { user, token };
  const why = result.outcome === 'timed_out' ? 'it did not answer' : lastLine(result.stderr.toString('utf8'));
  throw new DomainError(
    'git.auth_failed',
    `Git's own credential helper has no login for ${host} (${why}). Log in there with git once, or give a token: slipway git access set ${host}`,
    { url },
  );
}

/** `now` in milliseconds. What is not known is asked for each time. */
export function createSystemLogins(now: () => number): SystemLogins {
  const kept = new Map<string, { readonly login: GitLogin; readonly askedAt: number }>();
  return {
    async find(url) {
      const known = kept.get(url);
      if (known !== undefined && Math.abs(now() - known.askedAt) < keptForMs) return known.login;
      kept.delete(url);
      const login = await ask(url);
      kept.set(url, { login, askedAt: now() });
      return login;
    },
  };
}
