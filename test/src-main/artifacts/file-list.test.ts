import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { artifactIdOf, assertSafePath, decodeFileList, encodeFileList } from '../../../src-main/artifacts/file-list.ts';
import { assertSafeEntries, comparePaths } from '../../../src-main/artifacts/safe-path.ts';
import type { FileEntry } from '../../../src-main/contract/documents.ts';

const sha256 = 'a'.repeat(64);
const file = (path: string): FileEntry => ({ kind: 'file', path, executable: false, sizeBytes: 1, sha256 });
const link = (path: string, target: string): FileEntry => ({ kind: 'link', path, target });
const decodeText = (text: string) => {
  const bytes = Buffer.from(text);
  return decodeFileList(bytes, artifactIdOf(bytes));
};

describe('file list', () => {
  test('is the documented text, in the order of bytes', () => {
    const bytes = encodeFileList([
      link('b', 'a'),
      file('😀'),
      file('\uff5e'),
      { kind: 'directory', path: 'a/c' },
      file('a-b'),
    ]);
    expect(Buffer.from(bytes).toString('utf8')).toBe(
      [
        '{"type":"slipway.files/v1","entries":[',
        `{"kind":"file","path":"a-b","executable":false,"sizeBytes":1,"sha256":"${sha256}"},`,
        '{"kind":"directory","path":"a/c"},',
        '{"kind":"link","path":"b","target":"a"},',
        `{"kind":"file","path":"\uff5e","executable":false,"sizeBytes":1,"sha256":"${sha256}"},`,
        `{"kind":"file","path":"😀","executable":false,"sizeBytes":1,"sha256":"${sha256}"}`,
        ']}',
        '',
      ].join('\n'),
    );
    // Written down once: an id that changes makes every stored artifact unreadable.
    expect(artifactIdOf(encodeFileList([file('a')]))).toBe(
      '9595c9719a38139181786e959856fc92a54a6f1ffb4d21cf3c64314845f4e209',
    );
  });

  test('is read back as it was', () => {
    const entries = [file('a/b'), link('a/c', '../a/b'), file('d')];
    const bytes = encodeFileList(entries);
    expect(decodeFileList(bytes, artifactIdOf(bytes))).toEqual(entries);
  });

  test('is refused when a byte differs from what its id says', () => {
    const bytes = encodeFileList([file('a')]);
    const damaged = Buffer.from(bytes);
    damaged[40] = 0;
    expect(() => decodeFileList(damaged, artifactIdOf(bytes))).toThrow(
      expect.objectContaining({ code: 'artifact.digest_mismatch' }),
    );
  });

  test.each([
    ['no JSON', 'x'],
    ['another type', '{"type":"slipway.files/v2","entries":[]}\n'],
    ['no entries', '{"type":"slipway.files/v1","entries":[\n\n]}\n'],
    ['other white space', `{"type":"slipway.files/v1", "entries":[\n{"kind":"directory","path":"a"}\n]}\n`],
    ['other order of fields', `{"type":"slipway.files/v1","entries":[\n{"path":"a","kind":"directory"}\n]}\n`],
    ['an unknown field', `{"type":"slipway.files/v1","entries":[\n{"kind":"directory","path":"a","x":1}\n]}\n`],
    [
      'other order of paths',
      '{"type":"slipway.files/v1","entries":[\n{"kind":"directory","path":"b"},\n{"kind":"directory","path":"a"}\n]}\n',
    ],
  ])('is refused with %s', (_, text) => {
    expect(() => decodeText(text)).toThrow(expect.objectContaining({ code: 'artifact.malformed' }));
  });

  test('is refused whole for one unsafe path', () => {
    const text = '{"type":"slipway.files/v1","entries":[\n{"kind":"directory","path":"../a"}\n]}\n';
    expect(() => decodeText(text)).toThrow(expect.objectContaining({ code: 'artifact.unsafe_path' }));
  });
});

const unsafe = expect.objectContaining({ code: 'artifact.unsafe_path' });

test.each([
  '',
  '/',
  '/etc/passwd',
  '..',
  '../a',
  'a/../b',
  'a/..',
  '.',
  './a',
  'a//b',
  'a/',
  'C:',
  'c:/windows',
  'C:a',
  'a\\b',
  '\\\\server\\x',
  'a\0b',
  'a\nb',
  'a\u001b[2J',
  '\ud800',
  'x'.repeat(256),
  'é'.repeat(128),
  'long/'.repeat(205),
])('the path %j is unsafe everywhere', path => {
  expect(() => assertSafePath(path, 'linux')).toThrow(unsafe);
});

test.each(['NUL', 'aux.js', 'sub/com1', 'ab:stream', 'trailing.', '...', 'trailing ', 'a?'])(
  'the path %j is unsafe on Windows only',
  path => {
    expect(() => assertSafePath(path, 'win32')).toThrow(unsafe);
    expect(() => assertSafePath(path, 'linux')).not.toThrow();
  },
);

test.each(['a', '.env', '..a', 'a b/c', '文件', 'console.js', 'com.example'])('the path %j is safe', path => {
  expect(() => assertSafePath(path, 'win32')).not.toThrow();
});

test.each([
  ['twice the same', [file('a'), file('a')]],
  ['differing in case', [file('README'), file('readme')]],
  ['in folders differing in case', [file('Lib/a'), file('lib/b')]],
  ['differing in composition', [file('\u00e9'), file('e\u0301')]],
  ['of which one, a link in other case, is the folder of the other', [link('A', 'b'), file('a/x')]],
  ['below a file', [file('a'), file('a-b'), file('a/b')]],
  ['below a link', [link('a', 'b'), file('a/c')]],
  ['below an empty folder', [{ kind: 'directory' as const, path: 'a' }, file('a/b')]],
])('two entries %s are refused', (_, entries) => {
  expect(() => assertSafeEntries(entries)).toThrow(unsafe);
});

test.each(['/etc', '..', '../b', 'x/../y', 'a/../../b', 'C:\\x', '', '../../b'])(
  'at the root, a link to %j is refused',
  target => {
    expect(() => assertSafeEntries([link('l', target)])).toThrow(unsafe);
  },
);

test('a link that goes up after a name is refused, since the name may be a link too', () => {
  expect(() => assertSafeEntries([link('a/b/up', '../..'), link('a/b/out', 'up/../x')])).toThrow(unsafe);
});

test('links inside the tree are allowed', () => {
  expect(() =>
    assertSafeEntries([link('a/b/l', '../../c'), link('m', './a//b/'), link('a/n', '..'), link('o', '.')]),
  ).not.toThrow();
});

test('paths are compared as the bytes of their UTF-8', () => {
  const text = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(comparePaths(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});
