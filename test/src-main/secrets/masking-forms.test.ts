import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prepareMasking } from '../../../src-main/secrets/masking.ts';

/** Has a character for every rule of every encoding. */
const secret = `p&q<r>s"t'u$v\`w\\x/y+z ä€🔑!~(1)#%`;
const bytes = Buffer.from(secret, 'utf8');
const newMasker = prepareMasking([secret]);

function masked(chunks: readonly Buffer[], masker = newMasker()): string {
  return Buffer.concat([...chunks.map(chunk => masker.push(chunk)), masker.end()]).toString('utf8');
}
const colour = Buffer.from('\u001b[1;31m');
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the sequences that a log keeps
const withoutColours = (text: string) => text.replace(/\u001b\[[0-9;]*m/g, '');

/** What programs write, spelled out by hand where no library of the platform writes it. */
const forms: Readonly<Record<string, string>> = {
  plain: secret,
  base64url: bytes.toString('base64url'),
  hex: bytes.toString('hex'),
  'upper-case hex': bytes.toString('hex').toUpperCase(),
  encodeURIComponent: encodeURIComponent(secret),
  encodeURI: encodeURI(secret),
  'URLSearchParams, a form': new URLSearchParams({ s: secret }).toString().slice('s='.length),
  'lower-case percent': encodeURIComponent(secret).replace(/%../g, code => code.toLowerCase()),
  "Python's quote": 'p%26q%3Cr%3Es%22t%27u%24v%60w%5Cx/y%2Bz%20%C3%A4%E2%82%AC%F0%9F%94%91%21~%281%29%23%25',
  'JSON.stringify': JSON.stringify(secret).slice(1, -1),
  "JSON, Python's": `p&q<r>s\\"t'u$v\`w\\\\x/y+z \\u00e4\\u20ac\\ud83d\\udd11!~(1)#%`,
  "JSON, PHP's": `p&q<r>s\\"t'u$v\`w\\\\x\\/y+z \\u00e4\\u20ac\\ud83d\\udd11!~(1)#%`,
  "JSON, Go's": `p\\u0026q\\u003cr\\u003es\\"t'u$v\`w\\\\x/y+z ä€🔑!~(1)#%`,
  'XML text': `p&amp;q&lt;r&gt;s"t'u$v\`w\\x/y+z ä€🔑!~(1)#%`,
  'XML attribute': `p&amp;q&lt;r>s&quot;t'u$v\`w\\x/y+z ä€🔑!~(1)#%`,
  'XML, all five': `p&amp;q&lt;r&gt;s&quot;t&apos;u$v\`w\\x/y+z ä€🔑!~(1)#%`,
  'HTML, numbered': `p&amp;q&lt;r&gt;s&#34;t&#39;u$v\`w\\x/y+z ä€🔑!~(1)#%`,
  "HTML, Python's": `p&amp;q&lt;r&gt;s&quot;t&#x27;u$v\`w\\x/y+z ä€🔑!~(1)#%`,
  'in single quotes': `p&q<r>s"t'\\''u$v\`w\\x/y+z ä€🔑!~(1)#%`,
  'in single quotes, Python': `p&q<r>s"t'"'"'u$v\`w\\x/y+z ä€🔑!~(1)#%`,
  'in double quotes': `p&q<r>s\\"t'u\\$v\\\`w\\\\x/y+z ä€🔑!~(1)#%`,
  "printf %q, bash's": `p\\&q\\<r\\>s\\"t\\'u\\$v\\\`w\\\\x/y+z\\ ä€🔑\\!~\\(1\\)#%`,
  "dollar quotes, bash's": `p&q<r>s"t\\'u$v\`w\\\\x/y+z \\303\\244\\342\\202\\254\\360\\237\\224\\221!~(1)#%`,
};

describe('every encoding, at every split, with colours', () => {
  it.each(Object.entries(forms))('%s', (_name, form) => {
    const [before, after] = ['token= ', '\nnext'];
    const expected = `${before}***${after}`;
    const text = Buffer.from(`${before}${form}${after}`);
    const start = Buffer.byteLength(before);
    const length = Buffer.byteLength(form);
    expect(masked([text])).toBe(expected);
    expect(masked([...text].map(byte => Buffer.of(byte)))).toBe(expected);
    for (let cut = 0; cut <= text.length; cut += 1) {
      expect(masked([text.subarray(0, cut), text.subarray(cut)]), `cut at ${cut}`).toBe(expected);
    }
    for (let place = start; place <= start + length; place += 1) {
      const coloured = Buffer.concat([text.subarray(0, place), colour, text.subarray(place)]);
      expect(masked([...coloured].map(byte => Buffer.of(byte))).includes(colour.toString())).toBe(true);
      for (let cut = start; cut <= start + length + colour.length; cut += 1) {
        const shown = masked([coloured.subarray(0, cut), coloured.subarray(cut)]);
        if (withoutColours(shown) !== expected) expect.fail(`colour at ${place}, cut at ${cut}: ${shown}`);
      }
    }
    const everywhere = Buffer.concat([...text].flatMap(byte => [Buffer.of(byte), colour]));
    expect(withoutColours(masked([everywhere]))).toBe(expected);
  });

  it.each(['base64', 'base64url'] as const)('%s, at the three alignments and between other text', encoding => {
    for (const prefix of ['', 'u', 'us', 'use', 'user:']) {
      for (const suffix of ['', 'x', 'zz']) {
        const encoded = Buffer.from(`${prefix}${secret}${suffix}`).toString(encoding);
        // What a character says of the secret alone, between those that it shares with its neighbours.
        const first = Math.ceil((prefix.length * 8) / 6);
        const last = suffix === '' ? encoded.length : Math.floor(((prefix.length + bytes.length) * 8) / 6);
        const expected = `${encoded.slice(0, first)}***${encoded.slice(last)}`;
        for (let cut = 0; cut <= encoded.length; cut += 1) {
          const chunks = [encoded.slice(0, cut), encoded.slice(cut)].map(part => Buffer.from(part));
          expect(masked(chunks), `${prefix}…${suffix} cut at ${cut}`).toBe(expected);
          const [head = Buffer.alloc(0), tail = Buffer.alloc(0)] = chunks;
          expect(withoutColours(masked([head, colour, tail]))).toBe(expected);
        }
      }
    }
  });

  it('hides the shortest secret in Base64 at each alignment', () => {
    const masker = prepareMasking(['abc:12']);
    for (const prefix of ['', 'x', 'xy']) {
      const encoded = Buffer.from(`${prefix}abc:12zz`).toString('base64');
      expect(masked([Buffer.from(encoded)], masker())).toContain('***');
    }
  });

  it('hides each line of a key, in every encoding of the line', () => {
    const key = '-----BEGIN KEY-----\nMC4CAQAwBQYDK2Vw\nBCIEIA==/+x"y\n-----END KEY-----\n';
    const masker = prepareMasking([key]);
    const line = 'BCIEIA==/+x"y';
    const written = [
      key.replaceAll('\n', '\r\n'),
      line,
      encodeURIComponent(line),
      JSON.stringify({ key }),
      `> ${line}\r\n`,
    ];
    for (const text of [...written, Buffer.from(line).toString('hex')]) {
      const shown = masked([Buffer.from(text)], masker());
      expect(shown).not.toMatch(/BCIEIA|MC4CAQ|424349/);
      expect(shown).toContain('***');
    }
  });
});

describe('Base64 and hex that a tool breaks into lines', () => {
  const long = Array.from({ length: 30 }, (_, index) => `part ${index} of a long secret`).join('; ');
  const masker = prepareMasking([long]);

  const shapes = [60, 64, 76].flatMap(width => ['\n', '\r\n'].map(lineEnd => ({ width, lineEnd })));

  it.each(shapes)('at $width characters by $lineEnd, wherever the chunks are cut', ({ width, lineEnd }) => {
    for (const encoding of ['base64', 'hex'] as const) {
      for (const prefix of ['', 'a', 'bc', 'user:', 'a longer prefix, of more than one line of sixty characters: ']) {
        const encoded = Buffer.from(prefix + long).toString(encoding);
        const lines = encoded.match(new RegExp(`.{1,${width}}`, 'g')) ?? [];
        const text = Buffer.from(`before\n${lines.join(lineEnd)}${lineEnd}after\n`);
        const whole = masked([text], masker());
        const clear = Buffer.from(prefix).toString(encoding).replace(/=+$/, '');
        expect(whole.replaceAll(/\r?\n/g, '')).toMatch(/^before.*\*{3}after$/);
        expect(whole.replaceAll(/\r?\n/g, '').length).toBeLessThanOrEqual('before***after'.length + clear.length + 1);
        expect(whole.split('\n').length).toBe(lines.length + 3);
        for (let cut = 0; cut <= text.length; cut += 1) {
          if (masked([text.subarray(0, cut), text.subarray(cut)], masker()) !== whole) expect.fail(`cut at ${cut}`);
        }
        expect(
          masked(
            [...text].map(byte => Buffer.of(byte)),
            masker(),
          ),
        ).toBe(whole);
      }
    }
  });

  it('and a key of such lines, to its last short one', () => {
    const key = `-----BEGIN-----\n${'A1b2'.repeat(16)}\n${'C3d4'.repeat(16)}\nE5==\n-----END-----\n`;
    const written = [key, key.replaceAll('\n', '\r\n')];
    for (const secret of written) {
      for (const text of written) {
        const shown = masked([Buffer.from(`x ${text} y`)], prepareMasking([secret])());
        expect(shown).not.toMatch(/A1b2|C3d4|E5==|BEGIN/);
      }
    }
  });

  it('and leaves every line end where it is, of lines that hold no secret too', () => {
    const text = `${'A1b2'.repeat(16)}\r\n${'A1b2'.repeat(19)}\r${'C3d4'.repeat(19)}\r\n\r\nend\r`;
    for (let cut = 0; cut <= text.length; cut += 1) {
      expect(masked([Buffer.from(text.slice(0, cut)), Buffer.from(text.slice(cut))], masker())).toBe(text);
    }
  });
});

describe('masking leaves alone', () => {
  it('a form of which one byte is another, wherever it is', () => {
    for (const name of ['plain', 'hex', 'encodeURIComponent', 'JSON.stringify', 'XML, all five']) {
      const form = Buffer.from(forms[name] ?? '');
      for (let place = 0; place < form.length; place += 1) {
        const other = Buffer.from(form);
        other[place] = 0x07;
        expect(
          newMasker()
            .push(Buffer.concat([other, Buffer.from('\u0007')]))
            .equals(Buffer.concat([other, Buffer.from('\u0007')])),
          `${name} at ${place}`,
        ).toBe(true);
      }
    }
  });

  it('every byte of everything else, with and without sequences, whole or broken', () => {
    const part = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '\u001b[31m',
        '\u001b[',
        '\u001b',
        `\u001b[${'1;'.repeat(60)}m`,
        '\u001b]0;x\u0007',
        'p&q<r>',
        '***',
      ),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), parts => {
        const chunks = parts.map(text => Buffer.from(text));
        expect(masked(chunks)).toBe(Buffer.concat(chunks).toString('utf8'));
      }),
      { numRuns: 1_000 },
    );
  });

  it('values under six characters, which the interface refuses', () => {
    expect(masked([Buffer.from('short dHJ1ZQ== true')], prepareMasking(['short', 'true', ''])())).toBe(
      'short dHJ1ZQ== true',
    );
  });
});
