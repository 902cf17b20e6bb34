import { homedir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { parseGitUrl } from '../../../src-main/sources/git-url.ts';
import { isBranchName } from '../../../src-main/sources/ref-names.ts';

describe('an address that is taken', () => {
  test.each([
    ['https://example.test/team/app.git', 'http', 'https://example.test/team/app.git', 'app'],
    ['  http://127.0.0.1:8080/app/ ', 'http', 'http://127.0.0.1:8080/app', 'app'],
    ['HTTPS://Example.Test/a%20b', 'http', 'https://example.test/a%20b', 'a b'],
    ['git clone --depth 1 -b main https://example.test/app.git target', 'http', 'https://example.test/app.git', 'app'],
    ['git clone "/srv/my code/app"', 'file', '/srv/my code/app', 'app'],
    ['https://github.com/o/r/tree/main/docs', 'http', 'https://github.com/o/r', 'r'],
    ['https://gitlab.test/group/sub/r/-/tree/main', 'http', 'https://gitlab.test/group/sub/r', 'r'],
    ['file:///srv/code/app.git', 'file', '/srv/code/app.git', 'app'],
    ['file://localhost/srv/app', 'file', '/srv/app', 'app'],
    ['/srv/../srv/code/app/', 'file', '/srv/code/app', 'app'],
    ['/\\', 'file', '/\\', 'repository'],
    ['/srv/app/.git', 'file', '/srv/app/.git', 'app'],
    ['~/code/app', 'file', `${homedir()}/code/app`, 'app'],
    ['owner/name', 'http', 'https://github.com/owner/name', 'name'],
    ['git clone owner/name.git', 'http', 'https://github.com/owner/name.git', 'name'],
    ['gh repo clone owner/na.me_1', 'http', 'https://github.com/owner/na.me_1', 'na.me_1'],
    ['gitlab.com/group/sub/r', 'http', 'https://gitlab.com/group/sub/r', 'r'],
    ['https://github.com/o/r?tab=readme-ov-file#start', 'http', 'https://github.com/o/r', 'r'],
    ['https://github.com/o/r/pull/12/files', 'http', 'https://github.com/o/r', 'r'],
    ['https://github.test/o/r/blob/main/a/b.ts', 'http', 'https://github.test/o/r', 'r'],
    ['https://gitlab.test/a/b/c/r/-/merge_requests/3?tab=x', 'http', 'https://gitlab.test/a/b/c/r', 'r'],
    ['https://bitbucket.org/team/r/src/main/?at=main', 'http', 'https://bitbucket.org/team/r', 'r'],
    ['https://bitbucket.test/projects/PRJ/repos/r/browse', 'http', 'https://bitbucket.test/scm/PRJ/r.git', 'r'],
    ['https://bitbucket.test/users/ada/repos/r', 'http', 'https://bitbucket.test/scm/~ada/r.git', 'r'],
    ['https://gitea.test/o/r/src/branch/main/docs', 'http', 'https://gitea.test/o/r', 'r'],
    ['https://codeberg.org/o/r/issues', 'http', 'https://codeberg.org/o/r', 'r'],
    ['https://dev.azure.test/org/p/_git/r?path=/a', 'http', 'https://dev.azure.test/org/p/_git/r', 'r'],
    // Nobody knows this server: its path is taken as it is.
    ['https://plain.test/git/team/releases', 'http', 'https://plain.test/git/team/releases', 'releases'],
    ['git@example.test:team/app.git', 'ssh', 'git@example.test:team/app.git', 'app'],
    ['git clone -b main git@Example.test:team/app.git dir', 'ssh', 'git@example.test:team/app.git', 'app'],
    ['git@work:app', 'ssh', 'git@work:app', 'app'],
    ['git@[::1]:app', 'ssh', 'git@[::1]:app', 'app'],
    ['ssh://git@example.test/team/app.git/', 'ssh', 'ssh://git@example.test/team/app.git', 'app'],
    ['ssh://example.test:22/~/app', 'ssh', 'ssh://example.test/~/app', 'app'],
    ['git+ssh://git@example.test:2222/app', 'ssh', 'ssh://git@example.test:2222/app', 'app'],
  ])('%s', (input, transport, url, name) => {
    const location = parseGitUrl(input);
    expect(location).toEqual({ transport, url, name });
    expect(parseGitUrl(location.url)).toEqual(location);
  });
});

describe('an address that is refused, with what to use', () => {
  test.each([
    ['', /No repository/],
    ['git clone', /not an address/],
    ['ext::sh -c "touch /tmp/x"', /remote helper/],
    ['git clone ext::sh%20-c%20id', /remote helper/],
    ['--upload-pack=touch /tmp/x', /dash/],
    ['git clone --upload-pack=evil', /dash/],
    ['ssh://-oProxyCommand=touch%20x/app', /no ssh address/],
    ['ssh://%2doProxyCommand=touch/app', /no ssh address/],
    ['ssh://-oProxyCommand=touch@example.test/app', /no ssh address/],
    ['ssh://git@-oProxyCommand=touch/app', /no ssh address/],
    ['ssh://git@example.test:0/app', /no ssh address/],
    ['ssh://git@example.test:22x/app', /no ssh address/],
    ['ssh://git@example.test:-oX=y/app', /no ssh address/],
    ['ssh://git@example.test/', /no ssh address/],
    ['ssh://git@example.test/a%0ab', /no ssh address/],
    ['ssh://git@exa$(id)mple.test/a', /no ssh address/],
    ['-oProxyCommand=touch@example.test:app', /dash/],
    ['git@-oProxyCommand=touch:app', /no ssh address/],
    ['git@example.test:--upload-pack=touch', /no ssh address/],
    ['git@example.test: app', /no ssh address/],
    ['ssh://example.test/a@[-oProxyCommand=touch]/b', /no ssh address/],
    ['git@example.test:a@[-oProxyCommand=touch]:b', /no ssh address/],
    ['git@[::1;id]:app', /no ssh address/],
    ['git@exam ple.test:app', /no ssh address/],
    ['owner/..', /not an address/],
    ['-owner/name', /dash/],
    ['owner-/name', /not an address/],
    ['owner/name/more', /not an address/],
    ['example.test:app', /not an address/],
    ['git://example.test/app', /git:\/\//],
    ['ftp://example.test/app', /ftp:\/\//],
    ['javascript:alert(1)', /not an address/],
    ['./relative/path', /absolute path/],
    ['https://example.test', /names a server/],
    ['https://example.test/app?x=1', /"\?"/],
    ['https://exa mple.test/app', /not a valid URL/],
    ['https://example.test/a b', /space/],
    ['https://example.test/app\nHost: evil', /control character/],
    ['/srv/app\0', /control character/],
    ['file://server/share', /on this machine/],
    [`https://example.test/${'x'.repeat(3000)}`, /longer/],
  ])('%j', (input, message) => {
    expect(() => parseGitUrl(input)).toThrow(expect.objectContaining({ code: 'git.url_invalid' }));
    expect(() => parseGitUrl(input)).toThrow(message);
  });

  test('credentials, without repeating them', () => {
    expect(() => parseGitUrl('https://ada:hunter2@example.test/app')).toThrow(/user name or a password/);
    expect(() => parseGitUrl('https://ada:hunter2@example.test/app')).not.toThrow(/hunter2/);
    expect(() => parseGitUrl('https://token@example.test/app')).toThrow(/slipway git access set example\.test/);
    expect(() => parseGitUrl('ssh://ada:hunter2@example.test/app')).toThrow(/^The ssh address contains a password/);
    expect(() => parseGitUrl('ssh://ada:hunter2@example.test/app')).not.toThrow(/hunter2/);
  });
});

test('branch names are those that Git takes', () => {
  for (const name of ['main', 'feature/x-1', 'v1.0', 'ünï', 'a@b']) expect(isBranchName(name)).toBe(true);
  for (const name of [
    '',
    '-x',
    '--upload-pack=x',
    'a..b',
    'a b',
    'a\n',
    'a:b',
    'a^',
    'x.lock',
    '.x',
    'a/.b',
    '/a',
    'a/',
    'a//b',
    '@',
    'a@{1}',
    'a\\b',
    'a*',
    'a.',
  ]) {
    expect(isBranchName(name), name).toBe(false);
  }
});
