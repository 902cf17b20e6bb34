/** Which line of a step's output is its first error, for the tools that write it. */
import { expect, it } from 'vitest';
import { findFirstError } from '../../../src-main/worker/first-error.ts';

const find = (...lines: readonly string[]) => findFirstError(Buffer.from(lines.join('\n')))?.line ?? null;

it.each([
  'main.c:3:1: error: expected expression',
  '\u001b[1m\u001b[31merror[E0382]\u001b[0m: borrow of moved value',
  'src/a.ts(3,5): error TS2322: Type string is not assignable',
  'fatal: not a git repository',
  'TypeError: x is not a function',
  'java.lang.NullPointerException: null',
  '✖ adds two numbers (1.2ms)',
  'not ok 3 - adds',
  'FAIL src/sum.test.js',
  'npm ERR! code ENOENT',
  'make: *** [Makefile:3: all] Error 1',
  'sh: 1: nasmm: not found',
  'E   assert 1 == 2',
  '/usr/bin/ld: main.o: undefined reference to `puts',
])('finds %j', line => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours
  const shown = line.replace(/\u001b\[\d+m/g, '');
  expect(find('compiling error.ts', '0 errors, 0 failed', 'error-handler@1.2.0', line, 'error: a later one')).toBe(
    shown,
  );
});

it('takes the last line where none says what it is, and no line of our own', () => {
  expect(find('one', 'two', '', '\u001b[2m$ error: echo\u001b[0m')).toBe('two');
  expect(find('\u001b[2mnote\u001b[0m', '')).toBeNull();
  expect(find('10%\r20%\rdone')).toBe('done');
});

it('says where it is, in bytes, and looks at lines of any length', () => {
  const text = Buffer.from(`é\n${'x'.repeat(3_000_000)}\nerror: é ${'y'.repeat(5_000)}\n`);
  const found = findFirstError(text);
  expect(text.subarray(found?.offsetBytes).toString('utf8').startsWith('error: é')).toBe(true);
  expect(found?.line).toHaveLength(300);
});
