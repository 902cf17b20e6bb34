/** Owns the logins of Git servers: sealed at rest, opened once for each process that asks remotes. */
import { DomainError } from '../contract/errors.ts';
import type { GitAccess, GitAccessView } from '../contract/git-access.ts';
import { settingsOf } from '../contract/settings.ts';
import { deleteGitAccess, type GitAccessRecord, listGitAccesses, putGitAccess } from '../database/git-accesses.ts';
import type { Db } from '../database/open-database.ts';
import { readAllSettings } from '../database/settings.ts';
import type { Clock } from '../domain/clock.ts';
import { openSealed, seal } from '../secrets/seal.ts';
import { defaultBounds } from '../sources/fetch-bounds.ts';
import {
  accessHostOf,
  defaultUser,
  mayCarryLogin,
  parseAccessHost,
  type RemoteAccess,
} from '../sources/remote-access.ts';
import { createSystemLogins } from '../sources/system-login.ts';

export interface GitAccesses extends RemoteAccess {
  list(): Promise<readonly GitAccessView[]>;
  /** Replaces what was there. Throws `input.invalid`. */
  set(host: string, access: GitAccess): Promise<GitAccessView>;
  /** Its host. Throws `not_found`, `input.invalid`. */
  remove(host: string): Promise<string>;
}

/** What a sealed token is bound to: for another host, or under another name, it does not open. */
const sealName = (host: string, user: string) => `slipway/git-access/${host}/${user}`;

const viewOf = ({ host, kind, userName, setAt }: GitAccessRecord): GitAccessView => ({
  host,
  kind,
  user: userName,
  setAtMs: setAt,
});

/** What another process sets is seen by the next one that is made: a worker makes one for each attempt. */
export function createGitAccesses(options: {
  readonly db: Db;
  readonly masterKey: Uint8Array;
  readonly clock: Clock;
  /** Where ssh notes the keys of servers. */
  readonly knownHostsFile: string;
}): GitAccesses {
  const { db, masterKey, clock, knownHostsFile } = options;
  let rows: Promise<ReadonlyMap<string, GitAccessRecord>> | null = null;
  let system = createSystemLogins(clock);

  /** Read once: there is a question with every poll. */
  function readRows(): Promise<ReadonlyMap<string, GitAccessRecord>> {
    if (rows !== null) return rows;
    const reading = listGitAccesses(db).then(all => new Map(all.map(row => [row.host, row])));
    rows = reading;
    reading.catch(() => {
      if (rows === reading) rows = null;
    });
    return reading;
  }
  function forget(): void {
    rows = null;
    system = createSystemLogins(clock);
  }

  return {
    knownHostsFile,
    fetchBounds: async () => ({
      ...defaultBounds,
      maxBytes: settingsOf(await readAllSettings(db))['sources.mirrorBytes'],
    }),
    async loginFor(url) {
      const host = mayCarryLogin(url) ? accessHostOf(url) : null;
      const row = host === null ? undefined : (await readRows()).get(host);
      if (row === undefined) return null;
      if (row.kind === 'system') return system.find(url);
      const { userName: user, sealedToken } = row;
      if (user === null || sealedToken === null) return null;
      const token = openSealed(masterKey, Buffer.from(sealedToken, 'base64'), sealName(row.host, user));
      return { user, token: token.toString('utf8') };
    },
    list: async () => (await listGitAccesses(db)).map(viewOf),
    async set(given, access) {
      const host = parseAccessHost(given);
      const setAt = clock();
      let row: GitAccessRecord = { host, kind: 'system', userName: null, sealedToken: null, setAt };
      if (access.kind === 'token') {
        const userName = access.user ?? defaultUser(host);
        const sealed = seal(masterKey, Buffer.from(access.token, 'utf8'), sealName(host, userName));
        row = { host, kind: 'token', userName, sealedToken: sealed.toString('base64'), setAt };
      }
      await putGitAccess(db, row);
      forget();
      return viewOf(row);
    },
    async remove(given) {
      const host = parseAccessHost(given);
      if (!(await deleteGitAccess(db, host))) {
        throw new DomainError('not_found', `No login is set for ${host}. See "slipway git access show".`, { host });
      }
      forget();
      return host;
    },
  };
}
