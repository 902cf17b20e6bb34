import { expect, it } from 'vitest';
import { poolWords, standstillWords } from '../../../src-renderer/state/pool-words.ts';

it.each([
  [{ busy: 1, total: 2, mode: 'running' }, '1 of 2 busy', null],
  [
    { busy: 1, total: 2, mode: 'paused' },
    'paused, 1 busy',
    'Builds are paused: new revisions wait in the queue. One build still runs.',
  ],
  [
    { busy: 2, total: 2, mode: 'drained' },
    'draining, 2 busy',
    'The workers are being drained: new revisions wait in the queue. 2 builds still run.',
  ],
  [{ busy: 0, total: 0, mode: 'drained' }, 'drained', 'The workers are drained: new revisions wait in the queue.'],
] as const)('says of %o', (pool, words, standstill) => {
  expect(poolWords(pool)).toBe(words);
  expect(standstillWords(pool)).toBe(standstill);
});
