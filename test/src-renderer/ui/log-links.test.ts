/** Which parts of a line are addresses, and what a person is told of them. */
import { describe, expect, it } from 'vitest';
import { findLinks, linkWarning } from '../../../src-renderer/ui/log-links.ts';

const words = (text: string) => findLinks(text).map(({ start, end }) => text.slice(start, end));

describe('addresses in a log', () => {
  it.each([
    ['see https://example.com/a?b=1#c, then', ['https://example.com/a?b=1#c']],
    ['(https://example.com/a)', ['https://example.com/a']],
    ['https://example.com/Slipway_(ship).', ['https://example.com/Slipway_(ship)']],
    ['"http://127.0.0.1:4780/": up', ['http://127.0.0.1:4780/']],
    ['two: http://a.test http://b.test', ['http://a.test', 'http://b.test']],
    ['javascript:alert(1) file:///etc/passwd data:text/html,x ftp://x.test', []],
    ['https:// and https://[', []],
    ['xhttps://example.com', []],
  ])('%s', (text, expected) => expect(words(text)).toEqual(expected));

  it('says where an address with a user, or with look-alike letters, leads', () => {
    expect(linkWarning('https://github.com@evil.test/x')).toContain('evil.test');
    const [link] = findLinks('https://ехample.com/');
    expect(link?.url).toContain('xn--');
    expect(linkWarning(link?.url ?? '')).toContain('letters');
    expect(linkWarning('https://example.com/')).toBeNull();
  });

  it('is quick on a line that is made to be slow', () => {
    expect(findLinks(`https://${'('.repeat(200_000)}`)).toHaveLength(0);
    expect(findLinks('http://'.repeat(50_000)).length).toBeLessThan(1_000);
  });
});
