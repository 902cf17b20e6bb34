import { describe, expect, it } from 'vitest';
import { deepLinkIn, parseDeepLink } from '../../../../src-main/domain/shell/deep-link.ts';

const id = '01980000-0000-7000-8000-000000000001';

describe('parseDeepLink', () => {
  it('knows jobs, repositories and sources to add', () => {
    expect(parseDeepLink('slipway://job/12')).toEqual({ show: 'job', job: 12 });
    expect(parseDeepLink(`slipway://job/${id}`)).toEqual({ show: 'job', job: id });
    expect(parseDeepLink(`slipway://repository/${id}/`)).toEqual({ show: 'repository', repositoryId: id });
    expect(parseDeepLink('slipway://add?url=https%3A%2F%2Fexample.com%2Fa.git')).toEqual({
      show: 'add',
      source: 'https://example.com/a.git',
    });
  });

  it.each([
    ...['', 'slipway:', 'slipway://', 'https://job/12', 'slipway://job', 'slipway://job/', 'slipway://job/0'],
    ...[
      'slipway://job/12/cancel',
      'slipway://job/12?retry=1',
      'slipway://job/-1',
      'slipway://job/1e9',
      'slipway://job/..',
    ],
    ...['slipway://user@job/12', 'slipway://u:p@job/12', 'slipway://job:80/12', 'slipway://engine/stop'],
    ...['slipway://add', 'slipway://add?url=', 'slipway://add?url=file%3A%2F%2F%2Fetc', 'slipway://add?url=%2Fetc'],
    ...['slipway://add?url=https%3A%2F%2Fu%3Asecret%40example.com%2Fa', 'slipway://add?url=ext%3A%3Ash%20-c%20id'],
    `slipway://add?url=https://example.com/${'a'.repeat(3_000)}`,
  ])('refuses %s', link => {
    expect(parseDeepLink(link)).toBeNull();
  });

  it('finds the link among other arguments', () => {
    expect(deepLinkIn(['--hidden', 'SLIPWAY://job/1'])).toBe('SLIPWAY://job/1');
    expect(deepLinkIn(['--data', '/srv/slipway'])).toBeNull();
  });
});
