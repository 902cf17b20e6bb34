import { describe, expect, it } from 'vitest';
import { createLogSanitiser } from '../../../src-main/worker/log-sanitiser.ts';

const esc = '\u001b';
const bytes = (text: string) => Buffer.from(text, 'utf8');
const raw = (...parts: (string | number)[]) =>
  Buffer.concat(parts.map(part => (typeof part === 'number' ? Buffer.from([part]) : bytes(part))));

const cases: readonly (readonly [string, Buffer, string | Buffer])[] = [
  ['plain text', bytes('plain\ttext\r\n'), 'plain\ttext\r\n'],
  ['characters of other scripts', bytes('Grüße, 日本 🚢 ©\n'), 'Grüße, 日本 🚢 ©\n'],
  [
    'colours',
    bytes(`${esc}[1;31mred${esc}[0m ${esc}[38;2;1;2;3mrgb${esc}[38:5:9mx${esc}[m`),
    `${esc}[1;31mred${esc}[0m ${esc}[38;2;1;2;3mrgb${esc}[38:5:9mx${esc}[m`,
  ],
  ['cursor movement', bytes(`a${esc}[2K${esc}[1A${esc}[10;10Hb`), 'ab'],
  ['private modes', bytes(`a${esc}[?25l${esc}[?1049hb`), 'ab'],
  ['a private sequence that ends like a colour', bytes(`a${esc}[>4;1mb${esc}[?1mc`), 'abc'],
  ['a device query', bytes(`a${esc}[6n${esc}[cb`), 'ab'],
  ['a title, ended by BEL', bytes(`a${esc}]0;title\u0007b`), 'ab'],
  ['a title, ended by ST', bytes(`a${esc}]0;title${esc}\\b`), 'ab'],
  ['a hyperlink', bytes(`${esc}]8;;http://evil.test${esc}\\click${esc}]8;;${esc}\\`), 'click'],
  ['a clipboard write', bytes(`a${esc}]52;c;ZXZpbA==\u0007b`), 'ab'],
  ['a device control string', bytes(`a${esc}P$q"p${esc}\\b`), 'ab'],
  ['an application command', bytes(`a${esc}_G;payload${esc}\\b${esc}^privacy${esc}\\c`), 'abc'],
  ['a string that nobody ended', bytes(`a${esc}]0;title\nnext`), 'a\nnext'],
  ['a string whose end was cut off by a line feed', bytes(`a${esc}]0;title${esc}\nnext`), 'a\nnext'],
  ['an escape before a line feed', bytes(`a${esc}\nb`), 'a\nb'],
  ['a CSI before a line feed', bytes(`a${esc}[31\nb`), 'a\nb'],
  ['a reset', bytes(`a${esc}cb`), 'ab'],
  ['a character set', bytes(`a${esc}(0b${esc}#8c`), 'abc'],
  ['C0 controls', bytes('a\u0000\u0007\u0008\u000b\u000c\u000e\u007fb'), 'ab'],
  ['C1 controls', bytes('a\u0085\u008d\u0090q\u009c\n\u009b31m\u009b2Jb'), `a\n${esc}[31mb`],
  ['a C1 title', bytes('a\u009d0;title\u0007b'), 'ab'],
  ['an escape hidden behind half a character', raw('a', 0xc2, `${esc}]0;evil\u0007b`), 'ab'],
  ['a control hidden behind half a character', raw('a', 0xc2, 0x07, 0xc2, 0xc2, 0x9b, '2Jb'), 'ab'],
  ['a sequence without end', bytes(`a${esc}[${'1;'.repeat(200)}mb`), `a${'1;'.repeat(200).slice(61)}mb`],
];

function sanitise(...chunks: readonly Uint8Array[]): Buffer {
  const sanitiser = createLogSanitiser();
  return Buffer.concat(chunks.map(chunk => sanitiser.push(chunk)));
}

describe('the log', () => {
  it.each(cases)('treats %s as it should', (_title, input, expected) => {
    expect(sanitise(input).toString('utf8')).toBe(expected.toString());
  });

  it.each(cases)('treats %s the same wherever it is cut in two', (_title, input) => {
    const whole = sanitise(input);
    for (let at = 0; at <= input.length; at += 1) {
      expect(sanitise(input.subarray(0, at), input.subarray(at)), `cut at ${at}`).toEqual(whole);
    }
    expect(sanitise(...[...input].map(byte => Buffer.from([byte])))).toEqual(whole);
  });

  it('copies long runs between sequences as it copies single bytes, and changes nothing of what it was given', () => {
    const parts = cases.flatMap(([, input]) => [input, bytes('plain Grüße '.repeat(20)), input]);
    const input = Buffer.concat([...parts, ...parts.reverse()]);
    const before = Buffer.from(input);
    const whole = sanitise(input);
    expect(whole.equals(sanitise(...[...input].map(byte => Buffer.from([byte]))))).toBe(true);
    expect(input.equals(before)).toBe(true);
  });

  it('never holds an escape but of a colour, whatever comes in', () => {
    const alphabet = [0x1b, 0x5b, 0x5d, 0x3f, 0x31, 0x3b, 0x6d, 0x4a, 0x07, 0x5c, 0xc2, 0x9b, 0x9d, 0x50, 0x41, 0x0a];
    let seed = 1;
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed;
    };
    for (let round = 0; round < 2_000; round += 1) {
      const input = Buffer.from(Array.from({ length: 24 }, () => alphabet[random() % alphabet.length] ?? 0));
      const text = sanitise(input).toString('latin1');
      // biome-ignore lint/suspicious/noControlCharactersInRegex: escapes are what this is about
      const rest = text.replaceAll(/\u001b\[[0-9;:]*m/g, '');
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the same
      expect(rest, input.toString('hex')).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f]|\u00c2[\u0080-\u009f]/);
    }
  });
});
