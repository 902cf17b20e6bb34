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
    ['/srv/app/.git', 'file', '/srv/app/.git', 'app'],
    ['~/code/app', 'file', `${homedir()}/code/app`, 'app'],
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
    ['ssh://git@example.test/team/app.git', /https:\/\/example\.test\/team\/app\.git/],
    ['git@example.test:team/app.git', /https:\/\/example\.test\/team\/app\.git/],
    ['git://example.test/app', /git:\/\//],
    ['ftp://example.test/app', /ftp:\/\//],
    ['javascript:alert(1)', /not|SSH/],
    ['relative/path', /absolute path/],
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
    expect(() => parseGitUrl('https://token@example.test/app')).toThrow(/user name or a password/);
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
