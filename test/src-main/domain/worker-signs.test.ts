import { describe, expect, it } from 'vitest';
import { checkupDeadlineMs } from '../../../src-main/domain/clock.ts';
import { type SupervisionRules, type WorkerSigns, whyLost } from '../../../src-main/domain/worker-signs.ts';

const now = 10_000_000;
const rules: SupervisionRules = { checkupMs: 5_000, stallMs: 900_000, watchingSince: 0 };

function lost(signs: Partial<WorkerSigns>, changed: Partial<SupervisionRules> = {}): string | null {
  const whole: WorkerSigns = {
    checkupAt: now,
    pulseAt: now,
    work: { kind: 'idle', name: null, limitMs: null },
    workBeganAt: now,
    movedAt: now,
    ...signs,
  };
  return whyLost(whole, now, { ...rules, ...changed })?.reason ?? null;
}

it('derives the deadline of a checkup from how often it comes', () => {
  expect([1_000, 5_000, 300_000].map(checkupDeadlineMs)).toEqual([4_000, 12_000, 602_000]);
});

describe('a worker without a checkup', () => {
  it('is lost after the deadline, when its pulse is missing too', () => {
    expect(lost({ checkupAt: now - 12_000, pulseAt: now - 8_000 })).toBeNull();
    expect(lost({ checkupAt: now - 12_001, pulseAt: now - 8_000 })).toBe('no checkup for 12 s, and no pulse for 8 s');
    expect(lost({ checkupAt: now - 12_001, pulseAt: null })).toBe('no checkup for 12 s');
  });

  it('is not lost while its pulse comes: then it is the database that waits', () => {
    expect(lost({ checkupAt: now - 3_600_000, pulseAt: now - 2_000 })).toBeNull();
  });

  it('has longer where the setting says so', () => {
    const signs = { checkupAt: now - 400_000, pulseAt: now - 400_000 };
    expect(lost(signs, { checkupMs: 300_000 })).toBeNull();
    expect(lost(signs)).not.toBeNull();
  });

  it('has a minute to start', () => {
    const work = { kind: 'starting', name: null, limitMs: null } as const;
    expect(lost({ work, checkupAt: now - 50_000, pulseAt: null, workBeganAt: now - 50_000 })).toBeNull();
    expect(lost({ work, checkupAt: now - 61_000, pulseAt: null, workBeganAt: now - 61_000 })).toContain('no checkup');
    expect(lost({ work, workBeganAt: now - 61_000 })).toContain('not ready after 61 s');
  });
});

describe('a clock that was set, or a machine that slept,', () => {
  it('ends nobody who had no time to show himself since', () => {
    const old = { checkupAt: now - 86_400_000, pulseAt: now - 86_400_000, movedAt: now - 86_400_000 };
    expect(lost(old, { watchingSince: now - 3_000 })).toBeNull();
  });

  it('hides nobody whose last sign lies in a future that was taken back', () => {
    const ahead = { checkupAt: now + 86_400_000, pulseAt: now + 86_400_000 };
    expect(lost(ahead, { watchingSince: now - 3_000 })).toBeNull();
    expect(lost(ahead, { watchingSince: now - 13_000 })).toBe('no checkup for 13 s, and no pulse for 13 s');
  });
});

it('takes a sign that came while the supervisor was looking for a new one', () => {
  for (const later of [1, 900]) {
    const signs = { checkupAt: now + later, pulseAt: now + later, movedAt: now + later, workBeganAt: now + later };
    expect(lost(signs)).toBeNull();
    expect(lost({ ...signs, work: { kind: 'step', name: 'Test', limitMs: 1_000 } })).toBeNull();
    expect(lost({ ...signs, work: { kind: 'own', name: 'Pack', limitMs: null } })).toBeNull();
  }
});

describe('a worker that shows itself and stands still', () => {
  it('is lost when a phase of its own makes no progress', () => {
    const work = { kind: 'own', name: 'Pack', limitMs: null } as const;
    expect(lost({ work, movedAt: now - 900_000 })).toBeNull();
    expect(lost({ work, movedAt: now - 900_001 })).toBe(
      '"Pack" made no progress for 900 s, though it showed that it lives',
    );
  });

  it('may be silent in a step until its time limit, and a minute for its end', () => {
    const work = { kind: 'step', name: 'Test', limitMs: 3_600_000 } as const;
    const silent = { work, movedAt: now - 3_660_000 };
    expect(lost({ ...silent, workBeganAt: now - 3_660_000 })).toBeNull();
    expect(lost({ ...silent, workBeganAt: now - 3_660_001 })).toContain('"Test" did not end 60 s after its time limit');
  });

  it('is lost when it does not even look for a job', () => {
    expect(lost({ movedAt: now - 120_000 })).toBeNull();
    expect(lost({ movedAt: now - 121_000 })).toContain('did not look for a job for 121 s');
  });
});
