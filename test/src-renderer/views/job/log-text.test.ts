/** What log text may do to the terminal. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstErrorLine, plainText, sanitizeLog, splitCutEscape } from '../../../../src-renderer/views/job/log-text.ts';

describe('sanitizeLog', () => {
  it.each([
    ['\u001b[8mhidden', 'hidden'],
    ['\u001b[1;8;31mred', '\u001b[1;31mred'],
    ['\u001b[08mhidden', 'hidden'],
    ['\u001b[38;5;8mgrey\u001b[48;2;8;8;8mdark\u001b[28m', '\u001b[38;5;8mgrey\u001b[48;2;8;8;8mdark\u001b[28m'],
    ['\u001b[38;5;8;8mgrey', '\u001b[38;5;8mgrey'],
  ])('lets no colour hide text: %j', (text, shown) => expect(sanitizeLog(text)).toBe(shown));

  it('keeps colours, tabs and newlines', () => {
    const text = '\u001b[1;31mred\u001b[0m\tand \u001b[38:2::1:2:3mtrue colour\u001b[m\n';
    expect(sanitizeLog(text)).toBe(text);
  });

  it.each([
    ['a title', 'a\u001b]0;owned\u0007b', 'ab'],
    ['a link', '\u001b]8;;https://evil.example\u001b\\click\u001b]8;;\u001b\\', 'click'],
    ['the clipboard', '\u001b]52;c;cm0gLXJm\u0007x', 'x'],
    ['an unterminated string', '\u001b]0;owned\nnext line', '\nnext line'],
    ['a device control string', '\u001bP1;2|payload\u001b\\x', 'x'],
    ['cursor movement', 'a\u001b[2J\u001b[10;10Hb\u001b[1Ac', 'abc'],
    ['private modes', '\u001b[?1049h\u001b[?25lx', 'x'],
    ['a full reset', '\u001bcx', 'x'],
    ['charset shifts', '\u001b(0x\u000e', 'x'],
    ['bell, backspace and delete', 'a\u0007b\bc\u007f', 'abc'],
    ['eight-bit controls', 'a\u009b31mb\u009dtitle\u009c', 'a31mbtitle'],
    ['bidirectional overrides', 'a\u202eb\u2066c', 'abc'],
    ['Windows line ends', 'a\r\nb\r\n', 'a\nb\n'],
    ['a progress line', '10 %\r50 %\r100 %\nnext', '100 %\nnext'],
    ['an escape hidden by a control character', '\u001b\u0001[31mx', '[31mx'],
  ])('removes %s', (_name, text, expected) => {
    expect(sanitizeLog(text)).toBe(expected);
  });

  it('leaves nothing but colours of any input', () => {
    const part = fc.oneof(
      fc.constantFrom('\u001b', '[', ']', '0;', 'm', '\u0007', '\\', '31', '\r', '\n', '?', 'P', '\u009b', 'H', ' '),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), parts => {
        const clean = sanitizeLog(parts.join(''));
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the subject
        expect(plainText(clean)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
        expect(sanitizeLog(clean)).toBe(clean);
      }),
      { numRuns: 500 },
    );
  });

  it('takes a quarter of a mebibyte of carriage returns or escapes in its stride', () => {
    expect(sanitizeLog('x\r'.repeat(131_072))).toBe('x');
    expect(sanitizeLog('\u001b'.repeat(262_144))).toBe('');
    expect(sanitizeLog('a'.repeat(262_144))).toHaveLength(262_144);
  });
});

describe('splitCutEscape', () => {
  it('holds back what the next chunk may complete', () => {
    expect(splitCutEscape('abc\u001b[3')).toEqual({ whole: 'abc', cut: '\u001b[3' });
    expect(splitCutEscape('abc\u001b')).toEqual({ whole: 'abc', cut: '\u001b' });
    expect(splitCutEscape('abc\u001b]0;ti')).toEqual({ whole: 'abc', cut: '\u001b]0;ti' });
    expect(splitCutEscape('abc\r')).toEqual({ whole: 'abc', cut: '\r' });
    expect(splitCutEscape('\u001b[31mabc')).toEqual({ whole: '\u001b[31mabc', cut: '' });
  });
});

describe('firstErrorLine', () => {
  it.each([
    'error: cannot find module',
    'TypeError: x is not a function',
    'npm ERR! code ELIFECYCLE',
    'FAIL test/refund.test.ts',
    '   × partial refunds > keeps the fee',
    'main.c:3:1: error: expected declaration',
    'error[E0425]: cannot find value `x`',
    'panic: runtime error',
    'sh: 1: tsc: command not found',
    'not ok 3 - adds',
    'Traceback (most recent call last):',
  ])('finds %s', line => {
    expect(firstErrorLine(['fine', line, 'error: later'])).toBe(1);
  });

  it.each(['0 errors, 0 warnings', 'Tests 12 passed, 0 failed', 'compiling error-handler.ts', 'terror is a film'])(
    'passes over %s',
    line => {
      expect(firstErrorLine([line])).toBeNull();
    },
  );

  it('starts where it is told', () => {
    expect(firstErrorLine(['error: old', 'fine', 'error: new'], 1)).toBe(2);
  });
});
