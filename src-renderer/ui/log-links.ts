/** Owns which parts of a line are addresses that a person may want to open. Nothing is opened here. */

export interface LinkPlace {
  readonly start: number;
  readonly end: number;
  /** As a browser understands it: the host in its plain form, so that look-alike letters show. */
  readonly url: string;
}

/** Longer ones are no addresses that a person means to open. */
const mostLength = 2_000;
const address = /\bhttps?:\/\/[^\s<>"'`]{1,2000}/gi;
/** What ends a sentence, and closes what was opened before the address. */
const trailing = /[.,;:!?)\]}'"»”’…]+$/;

/** The web addresses in a line; anything but http and https is text. */
export function findLinks(text: string): readonly LinkPlace[] {
  return [...text.matchAll(address)].flatMap(found => {
    const words = withoutTrailing(found[0]);
    const url = URL.parse(words);
    if (url === null || words.length > mostLength || url.hostname === '') return [];
    return [{ start: found.index, end: found.index + words.length, url: url.href }];
  });
}

/** A closing bracket stays where its opening one is part of the address: `…/Slipway_(ship)`. */
function withoutTrailing(words: string): string {
  const cut = words.replace(trailing, '');
  return words.startsWith(`${cut})`) && cut.includes('(') ? `${cut})` : cut;
}

/** What a person should know before an address is opened, or null. */
export function linkWarning(url: string): string | null {
  const parsed = URL.parse(url);
  if (parsed === null) return null;
  if (parsed.username !== '' || parsed.password !== '') {
    return `It names a user before the host: it leads to ${parsed.host}, whatever stands before the @.`;
  }
  if (/(?:^|\.)xn--/.test(parsed.hostname)) return 'Its host has letters that can look like others.';
  return null;
}
