import { expect, it } from 'vitest';
import { deliveryWords, headersOf } from '../../../src-renderer/views/settings/webhook-model.ts';

it('says how deliveries stand, and nothing where all were taken', () => {
  expect(deliveryWords({ waiting: 0, failed: 0 })).toBeNull();
  expect(deliveryWords({ waiting: 2, failed: 1 })).toBe('2 deliveries waiting, 1 given up');
});

it('reads headers line by line, and refuses what is none', () => {
  expect(headersOf('')).toEqual([]);
  expect(headersOf('api-key: k3y \n\nX-Scope: a: b')).toEqual([
    { name: 'api-key', value: 'k3y' },
    { name: 'X-Scope', value: 'a: b' },
  ]);
  expect(headersOf('no header')).toBeNull();
});
