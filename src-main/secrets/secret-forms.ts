/** Owns the forms in which a secret value can stand in a log: as it is, line by line, and in every usual encoding. */

import { minSecretChars } from '../contract/environment.ts';

/** Replaces each character that has an entry. */
function escaped(value: string, characters: RegExp, replacement: (character: string) => string): string {
  return value.replace(characters, replacement);
}

/**
 * The Base64 characters that depend on `value` alone, wherever it stands in what was encoded (as in `user:password`); and
 * to the end of the encoding, with and without padding, where it stands last.
 */
function base64Forms(value: string): string[] {
  const bytes = Buffer.from(value, 'utf8');
  return [0, 1, 2].flatMap(offset => {
    const bits = (offset + bytes.length) * 8;
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    const first = Math.ceil((offset * 8) / 6);
    const forms = [
      encoded.slice(first, Math.floor(bits / 6)),
      encoded.slice(first),
      encoded.slice(first).replace(/=+$/, ''),
    ];
    return [...forms, ...forms.map(form => form.replaceAll('+', '-').replaceAll('/', '_'))];
  });
}

function hexForms(value: string): string[] {
  const hex = Buffer.from(value, 'utf8').toString('hex');
  return [hex, hex.toUpperCase()];
}

const percent = (character: string) =>
  [...Buffer.from(character, 'utf8')].map(byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');

/** As encodeURI, encodeURIComponent, RFC 3986 section 2.3, Python's `quote` and HTML forms write it; hex digits in both cases. */
function uriForms(value: string): string[] {
  const keeping = [
    /[^A-Za-z0-9\-_.~]/gu,
    /[^A-Za-z0-9\-_.~/]/gu,
    /[^A-Za-z0-9\-_.!~*'()]/gu,
    /[^A-Za-z0-9\-_.!~*'();/?:@&=+$,#]/gu,
    // Source: URL standard, "application/x-www-form-urlencoded percent-encode set".
    /[^A-Za-z0-9\-_.*]/gu,
  ].map(characters => escaped(value, characters, percent));
  return keeping.flatMap(form => {
    const lower = form.replace(/%[0-9A-F]{2}/g, code => code.toLowerCase());
    return [form, lower, form.replaceAll('%20', '+'), lower.replaceAll('%20', '+')];
  });
}

const unicodeEscape = (character: string) =>
  [...Array(character.length).keys()]
    .map(index => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
    .join('');

/** As JSON.stringify writes it, with `\/` (PHP), in ASCII alone (Python), and without HTML's characters (Go). */
function jsonForms(value: string): string[] {
  const plain = JSON.stringify(value).slice(1, -1);
  const ascii = escaped(plain, /[^\0-\u007f]/gu, unicodeEscape);
  const html = escaped(plain, /[<>&\u2028\u2029]/g, unicodeEscape);
  const upper = (text: string) => text.replace(/\\u[0-9a-f]{4}/g, code => `\\u${code.slice(2).toUpperCase()}`);
  const forms = [plain, ascii, html, escaped(ascii, /[<>&]/g, unicodeEscape)];
  return [...forms, ...forms.map(upper), plain.replaceAll('/', '\\/'), ascii.replaceAll('/', '\\/')];
}

/** As text, as an attribute, and with the three usual ways to write each kind of quote. Source: XML 1.0, section 4.6. */
function xmlForms(value: string): string[] {
  const text = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const closed = text.replaceAll('>', '&gt;');
  const quotes = ['"', '&quot;', '&#34;', '&#x22;'];
  const apostrophes = ["'", '&apos;', '&#39;', '&#039;', '&#x27;'];
  return [text, closed].flatMap(base =>
    quotes.flatMap(quote => apostrophes.map(apostrophe => base.replaceAll('"', quote).replaceAll("'", apostrophe))),
  );
}

const namedEscapes: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  "'": "\\'",
  '\\': '\\\\',
};
const octal = (character: string) =>
  [...Buffer.from(character, 'utf8')].map(byte => `\\${byte.toString(8).padStart(3, '0')}`).join('');

/** In single and double quotes, with backslashes (`printf %q`), and as `$'…'`. Source: POSIX.1-2024, XCU section 2.2. */
function shellForms(value: string): string[] {
  const dollarQuoted = escaped(value, /[\n\r\t'\\]/g, character => namedEscapes[character] ?? character);
  return [
    value.replaceAll("'", "'\\''"),
    value.replaceAll("'", `'"'"'`),
    escaped(value, /["$`\\]/g, character => `\\${character}`),
    escaped(value, /["$`\\!]/g, character => `\\${character}`),
    escaped(value, /[^A-Za-z0-9_@%+=:,./\n\u0080-\u{10ffff}-]/gu, character => `\\${character}`),
    escaped(value, /[^A-Za-z0-9_@%+=:./\n\u0080-\u{10ffff}~#-]/gu, character => `\\${character}`),
    dollarQuoted,
    escaped(dollarQuoted, /[^\0-\u007f]/gu, octal),
  ];
}

/** What a log keeps of text: control characters other than tab and line ends are dropped before masking. */
function asShown(value: string): string {
  return value.replace(/[\p{Cc}--[\t\n\r]]/gv, '');
}

/**
 * Every form of these secrets, each once, as bytes of UTF-8: plain, Base64 at three alignments, base64url, hex, URI, JSON,
 * XML and shell quoting, of the whole and of each of its lines, since a terminal turns "\n" into "\r\n". Values and lines
 * of fewer than `minSecretChars` characters have none.
 */
export function secretForms(secrets: readonly string[]): Buffer[] {
  const forms = new Set<string>();
  const values = new Set(
    secrets.flatMap(secret => [
      secret,
      secret.trim(),
      ...secret.split(/\r\n|\r|\n/).flatMap(line => [line, line.trim()]),
    ]),
  );
  for (const value of values) {
    if (value.length < minSecretChars) continue;
    const shown = [value, value.replace(/\r?\n/g, '\r\n'), value.replace(/\r\n/g, '\n')];
    const all = [
      ...shown,
      // Masking looks through the line ends of wrapped Base64, so a key of such lines is looked for without them too.
      ...shown.map(text => text.replace(/([A-Za-z0-9+/=_-]{60})\r?\n/g, '$1')),
      ...[base64Forms, hexForms, uriForms, jsonForms, xmlForms, shellForms].flatMap(encode => encode(value)),
    ];
    for (const form of all) forms.add(asShown(form));
  }
  return [...forms].map(form => Buffer.from(form, 'utf8')).filter(form => form.length >= minSecretChars);
}
