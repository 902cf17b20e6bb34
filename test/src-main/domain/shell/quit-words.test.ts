import { describe, expect, it } from 'vitest';
import { quitQuestion } from '../../../../src-main/domain/shell/quit-words.ts';

describe('quitQuestion', () => {
  const build = { number: 7, repositoryName: 'web' };

  it('asks nothing where nothing would stop', () => {
    expect(quitQuestion({ builds: [], uploadBytesPerSecond: 0 })).toBeNull();
  });

  it('names builds and seeds, and what becomes of them', () => {
    const asked = quitQuestion({ builds: [build], uploadBytesPerSecond: 5 });
    expect(asked?.message).toBe('Quitting stops a build and seeding to machines.');
    expect(asked?.detail).toContain('web, job 7');
    const many = quitQuestion({ builds: Array.from({ length: 8 }, () => build), uploadBytesPerSecond: 0 });
    expect(many?.message).toBe('Quitting stops 8 builds.');
    expect(many?.detail).toContain('and 3 more');
  });
});
