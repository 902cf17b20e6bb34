import { describe, expect, it } from 'vitest';
import { defaultSourceOptions } from '../../../src-main/contract/source-options.ts';
import { changeOf, fieldsOf, loginHostOf, problemsOf } from '../../../src-renderer/views/repositories/source-model.ts';

describe("the fields of a repository's source", () => {
  const fields = fieldsOf({ ...defaultSourceOptions, paths: ['api', 'web'], tags: 'v*' }, 60_000);

  it('come back as they were', () => {
    expect(fields).toMatchObject({ paths: 'api\nweb', tags: 'v*', pollSeconds: '60' });
    expect(changeOf(fields)).toEqual({
      source: { ...defaultSourceOptions, paths: ['api', 'web'], tags: 'v*' },
      intervalMs: 60_000,
    });
  });

  it('are the usual where they are empty', () => {
    const empty = { ...fields, paths: ' \n\n', tags: ' ', pollSeconds: '' };
    expect(problemsOf(empty)).toEqual({});
    expect(changeOf(empty)).toEqual({ source: defaultSourceOptions, intervalMs: null });
  });

  it.each([
    ['paths', { paths: '../other' }],
    ['paths', { paths: '/etc' }],
    ['tags', { tags: 'v 1' }],
    ['pollSeconds', { pollSeconds: '1' }],
    ['pollSeconds', { pollSeconds: 'often' }],
  ])('say of a wrong %s what it should be', (field, wrong) => {
    expect(Object.keys(problemsOf({ ...fields, ...wrong }))).toEqual([field]);
  });
});

it.each([
  ['https://git.example.com:8443/x', 'git.example.com:8443'],
  ['svn://host/x', 'host'],
  ['/srv/app.git', null],
  ['ssh://git@host/x', null],
  [undefined, null],
])('a login for %s is for %s', (url, host) => {
  expect(loginHostOf(url)).toBe(host);
});
