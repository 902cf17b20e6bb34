import { totalmem } from 'node:os';
import { describe, expect, test } from 'vitest';
import { buildDefaultsSchema, type IsolationChoice } from '../../../src-main/contract/isolation.ts';
import { chooseIsolation, chooseLimits } from '../../../src-main/worker/choose-isolation.ts';

const ask = (level: IsolationChoice) => ({ level, image: null, network: true });
const defaults = buildDefaultsSchema.parse({});

describe('chooseIsolation', () => {
  test.each([
    // The file, the repository, the installation; what is asked of the machine.
    [undefined, null, 'auto', 'auto'],
    [undefined, null, 'none', 'none'],
    [undefined, 'bubblewrap', 'none', 'bubblewrap'],
    [undefined, 'none', 'bubblewrap', 'none'],
    ['auto', null, 'bubblewrap', 'bubblewrap'],
    ['none', null, 'auto', 'none'],
    ['none', 'none', 'bubblewrap', 'none'],
    ['none', 'auto', 'bubblewrap', 'none'],
    ['bubblewrap', 'none', 'none', 'bubblewrap'],
    ['docker', null, 'bubblewrap', 'docker'],
  ] as const)('file %s, repository %s, installation %s: %s', (file, repository, installation, level) => {
    expect(chooseIsolation(file && ask(file), { repository, installation }).level).toBe(level);
  });

  test('lets no file go below what a person chose', () => {
    for (const person of [
      { repository: null, installation: 'bubblewrap' },
      { repository: 'bubblewrap', installation: 'auto' },
    ] as const) {
      expect(() => chooseIsolation(ask('none'), person)).toThrow(
        expect.objectContaining({ code: 'isolation.refused' }),
      );
    }
  });

  test('keeps what a file says of the network without a level', () => {
    const asked = { level: 'auto', image: null, network: false } as const;
    expect(chooseIsolation(asked, { repository: null, installation: 'auto' })).toEqual(asked);
  });
});

describe.skipIf(process.platform !== 'linux')('chooseLimits', () => {
  test('puts those of the plan over those of the installation', () => {
    expect(chooseLimits({}, defaults, 'none', true)).toEqual({
      memoryBytes: Math.floor(totalmem() * 0.75),
      processes: 2_000,
    });
    expect(chooseLimits({ limits: { memoryBytes: 5, cpus: 2 } }, defaults, 'bubblewrap', true)).toEqual({
      memoryBytes: 5,
      processes: 2_000,
      cpus: 2,
    });
    const none = { ...defaults, memoryBytes: null, processes: null };
    expect(chooseLimits({}, none, 'none', true)).toEqual({});
  });

  test('refuses one that was asked for and cannot be held', () => {
    const plan = { limits: { cpus: 2 } };
    expect(() => chooseLimits(plan, defaults, 'none', false)).toThrow(
      expect.objectContaining({ code: 'isolation.limit_unsupported', message: expect.stringContaining('cpu') }),
    );
    expect(chooseLimits(plan, defaults, 'docker', false).cpus).toBe(2);
  });
});
