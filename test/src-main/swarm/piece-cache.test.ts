import { expect, it } from 'vitest';
import { createPieceCache } from '../../../src-main/swarm/piece-cache.ts';

const fourMebibytes = new Uint8Array(4 * 1024 * 1024);

it('holds 32 MiB of all torrents together, and forgets what was used least recently', () => {
  const cache = createPieceCache();
  const [first, second] = [{}, {}];
  for (let piece = 0; piece < 8; piece += 1) cache.put(first, piece, fourMebibytes);
  expect(cache.get(first, 0)).toBe(fourMebibytes);
  cache.put(second, 0, fourMebibytes);
  expect(cache.get(first, 1)).toBeNull();
  expect(cache.get(first, 0)).toBe(fourMebibytes);
  cache.drop(first);
  expect(cache.get(first, 0)).toBeNull();
  expect(cache.get(second, 0)).toBe(fourMebibytes);
});

it('counts a piece that is put again once', () => {
  const cache = createPieceCache();
  const owner = {};
  for (let times = 0; times < 20; times += 1) cache.put(owner, 0, fourMebibytes);
  for (let piece = 1; piece < 8; piece += 1) cache.put(owner, piece, fourMebibytes);
  expect(cache.get(owner, 0)).toBe(fourMebibytes);
});
