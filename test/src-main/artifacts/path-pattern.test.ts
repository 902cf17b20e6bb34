import { expect, test } from 'vitest';
import { compilePathPattern } from '../../../src-main/artifacts/path-pattern.ts';

test.each([
  ['.', 'a', true],
  ['.', 'a/b/c', true],
  ['dist', 'dist', true],
  ['dist', 'dist/a', false],
  ['dist', 'a/dist', false],
  ['./dist/', 'dist', true],
  ['*.js', 'a.js', true],
  ['*.js', 'a/b.js', false],
  ['*', '.env', true],
  ['**/*.js', 'a.js', true],
  ['**/*.js', 'a/b/c.js', true],
  ['**/*.js', 'a/b/c.jsx', false],
  ['a/**', 'a', false],
  ['a/**', 'a/b/c', true],
  ['a/**/z', 'a/z', true],
  ['a/**/z', 'a/b/c/z', true],
  ['a/**/z', 'a/b/c/y', false],
  ['**/b/**/d', 'b/a/b/d', true],
  ['?.txt', '😀.txt', true],
  ['[a-c]x', 'bx', true],
  ['[!a-c]x', 'bx', false],
  ['[]]x', ']x', true],
  ['*.{js,css}', 'a.css', true],
  ['*.{js,css}', 'a.html', false],
  ['a+(b).$', 'a+(b).$', true],
  ['[', '[', true],
])('%s on %s: %s', (pattern, path, expected) => {
  expect(compilePathPattern(pattern).matches(path)).toBe(expected);
});

test.each([
  ['packages/*/lib', 'packages', true],
  ['packages/*/lib', 'packages/a', true],
  ['packages/*/lib', 'packages/a/lib', false],
  ['packages/*/lib', 'other', false],
  ['**/x', 'any/folder', true],
])('%s reaches into %s: %s', (pattern, folder, expected) => {
  expect(compilePathPattern(pattern).reachesInto(folder)).toBe(expected);
});

test.each(['', '/abs', '../up', 'a/../b', 'a\\b', 'a//b', '{a,b}'.repeat(9)])('the pattern %j is refused', pattern => {
  expect(() => compilePathPattern(pattern)).toThrow(expect.objectContaining({ code: 'input.invalid' }));
});

test('a pattern made to be slow is answered', () => {
  const pattern = compilePathPattern(`${'**/'.repeat(30)}${'*a'.repeat(60)}b`);
  expect(pattern.matches(`${'a/'.repeat(60)}${'a'.repeat(250)}`)).toBe(false);
});
