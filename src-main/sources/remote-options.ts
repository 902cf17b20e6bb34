/** Owns what one run of the git program gets to reach its remote: ssh where the address says so, a login in variables, never in arguments. */
import type { RemoteOptions } from './git-cli.ts';
import type { GitLocation } from './git-url.ts';
import { authorizationOf, mayCarryLogin, type RemoteAccess } from './remote-access.ts';
import { sshEnvironment } from './ssh-program.ts';

/** Throws what `loginFor` throws. */
export async function remoteOptions({ transport, url }: GitLocation, access: RemoteAccess): Promise<RemoteOptions> {
  if (transport === 'file') return { settings: [], env: {} };
  if (transport === 'ssh') {
    return { settings: ['protocol.ssh.allow=always'], env: sshEnvironment(access.knownHostsFile) };
  }
  const login = await access.loginFor(url);
  if (login === null || !mayCarryLogin(url)) return { settings: [], env: {} };
  return {
    // Git would send its extra headers to wherever a redirect leads. Source: git's remote-curl.c, update_url_from_redirect.
    settings: ['http.followRedirects=false'],
    // Settings from the environment: arguments are seen by everybody. Source: git-config(1), GIT_CONFIG_COUNT.
    env: {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: `http.${url}.extraHeader`,
      GIT_CONFIG_VALUE_0: `Authorization: ${authorizationOf(login)}`,
    },
  };
}
