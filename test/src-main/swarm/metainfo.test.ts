/** Checks that a torrent is made the same each time, and that only that form is accepted. */
import { createHash } from 'node:crypto';
import bencode from 'bencode';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completeTorrent, createMetainfo, parseMetainfo } from '../../../src-main/swarm/metainfo.ts';
import { readBencode } from '../../../src-main/swarm/read-bencode.ts';
import { createPack } from '../../support/swarm-fixtures.ts';

const digest = 'a'.repeat(64);
const info = {
  length: 40_000,
  name: `${digest}.tar.zst`,
  'piece length': 16_384,
  pieces: Buffer.alloc(60, 7),
  private: 1,
};

describe('createMetainfo', () => {
  it('is deterministic, private, and names neither tracker nor web seed', () => {
    const input = { name: info.name, sizeBytes: 40_000, pieceLengthBytes: 16_384, pieces: info.pieces };
    const made = createMetainfo(input);
    expect(Buffer.from(made.torrent).equals(Buffer.from(createMetainfo(input).torrent))).toBe(true);
    expect(made.infoHash).toBe(createHash('sha1').update(bencode.encode(info)).digest('hex'));
    const text = Buffer.from(made.torrent).toString('latin1');
    expect(text).toContain('7:privatei1e');
    expect(text).not.toMatch(/announce|url-list|created/);
  });

  it.each([
    ['a name with a path', { name: `../${digest}.tar.zst` }],
    ['no bytes', { sizeBytes: 0, pieces: Buffer.alloc(0) }],
    ['too few piece hashes', { pieces: Buffer.alloc(40) }],
    ['a piece length that is no power of two', { pieceLengthBytes: 20_000, pieces: Buffer.alloc(40) }],
    ['a piece length below a block', { pieceLengthBytes: 8_192, pieces: Buffer.alloc(100) }],
  ])('refuses %s', (_what, change) => {
    const input = { name: info.name, sizeBytes: 40_000, pieceLengthBytes: 16_384, pieces: info.pieces, ...change };
    expect(() => createMetainfo(input)).toThrow(expect.objectContaining({ code: 'artifact.malformed' }));
  });
});

describe('parseMetainfo', () => {
  it('reads what was made', () => {
    const pack = createPack(100_000, 32_768);
    expect(parseMetainfo(pack.torrent, pack.infoHash)).toEqual({
      name: pack.name,
      sizeBytes: 100_000,
      pieceLengthBytes: 32_768,
      pieceCount: 4,
      infoHash: pack.infoHash,
    });
  });

  it('refuses another info hash than the release names', () => {
    expect(() => parseMetainfo(createPack(1_000).torrent, '0'.repeat(40))).toThrow(
      expect.objectContaining({ code: 'artifact.digest_mismatch' }),
    );
  });

  it.each([
    ['a path in the name', { info: { ...info, name: '../../../../etc/cron.d/evil' } }],
    [
      'several files',
      {
        info: {
          name: info.name,
          'piece length': 16_384,
          pieces: info.pieces,
          private: 1,
          files: [{ length: 40_000, path: ['a'] }],
        },
      },
    ],
    ['a public torrent', { info: { ...info, private: 0 } }],
    ['no private key', { info: { length: 40_000, name: info.name, 'piece length': 16_384, pieces: info.pieces } }],
    ['a tracker', { announce: 'http://tracker.example/announce', info }],
    ['a web seed', { info, 'url-list': 'http://seed.example/' }],
    ['more info keys', { info: { ...info, source: 'x' } }],
    ['a size without its pieces', { info: { ...info, length: 1_000_000_000 } }],
    ['a negative size', { info: { ...info, length: -5 } }],
    ['a name for other encodings', { info: { ...info, 'name.utf-8': '../x' } }],
  ])('refuses %s', (_what, torrent) => {
    const encoded = bencode.encode(torrent);
    expect(() => parseMetainfo(encoded, null)).toThrow(expect.objectContaining({ code: 'artifact.malformed' }));
  });

  it('refuses more than 8 MiB', () => {
    expect(() => parseMetainfo(Buffer.alloc(8 * 1024 * 1024 + 1), null)).toThrow(/8 MiB/);
  });

  it('accepts no torrent with a byte taken away, added or changed, unless its hash changes too', () => {
    const { torrent, infoHash } = createPack(70_000, 16_384);
    const position = fc.integer({ min: 0, max: torrent.byteLength - 1 });
    fc.assert(
      fc.property(
        position,
        fc.integer({ min: 1, max: 255 }),
        fc.constantFrom('cut', 'change', 'add'),
        (at, by, how) => {
          const bytes = Buffer.from(torrent);
          const byte = (bytes[at] ?? 0) ^ by;
          const changed = {
            cut: () => bytes.subarray(0, at),
            change: () => Buffer.concat([bytes.subarray(0, at), Buffer.of(byte), bytes.subarray(at + 1)]),
            add: () => Buffer.concat([bytes.subarray(0, at), Buffer.of(byte), bytes.subarray(at)]),
          }[how]();
          expect(() => parseMetainfo(changed, infoHash)).toThrow(
            expect.objectContaining({ code: expect.stringMatching(/^artifact\.(malformed|digest_mismatch)$/) }),
          );
        },
      ),
    );
  });

  it('refuses arbitrary bytes, and answers at once', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), bytes => {
        expect(() => parseMetainfo(bytes, null)).toThrow(expect.objectContaining({ code: 'artifact.malformed' }));
      }),
    );
  });
});

it('a complete torrent has the same pieces and info hash, and is bencode with its keys in order', () => {
  const pieces = Buffer.alloc(40, 1);
  const name = `${'ab'.repeat(32)}.tar.zst`;
  const { torrent, infoHash } = createMetainfo({ name, sizeBytes: 100_000, pieceLengthBytes: 65_536, pieces });
  const trackers = ['http://192.0.2.1:6969/announce?token=x', 'http://192.0.2.2/announce'];
  const complete = completeTorrent(torrent, { trackers, webSeeds: ['https://example.com/a?signature=b'] });
  const { value, end } = readBencode(complete);
  expect(end).toBe(complete.byteLength);
  expect(value instanceof Map && [...value.keys()]).toEqual(['announce', 'announce-list', 'info', 'url-list']);
  const info = torrent.subarray('d4:info'.length, -1);
  expect(Buffer.from(complete).includes(Buffer.from(info))).toBe(true);
  expect(createHash('sha1').update(info).digest('hex')).toBe(infoHash);
  // It is for other clients: Slipway's own machines take no torrent that says where to fetch.
  expect(() => parseMetainfo(complete, null)).toThrow(/is refused/);
});
