import { describe, expect, it } from 'vitest';
import {
  actionOf,
  auditWords,
  behindWords,
  checkLimitsForm,
  limitsForm,
  limitWords,
  trafficWords,
} from '../../../../src-renderer/views/regions/region-facts.ts';

const mebibyte = 1024 * 1024;

describe('the facts of a region', () => {
  it('say what it lacks, how fast it comes, and what moved', () => {
    const nothing = { behind: 0, behindBytes: 0, lagMs: 0, bytesPerSecond: null, etaMs: null };
    expect(behindWords(nothing)).toBe('nothing');
    const lack = { ...nothing, behind: 3, behindBytes: 30 * mebibyte, lagMs: 240_000 };
    expect(behindWords(lack)).toBe('3 artifacts, 30.0 MiB, for 4:00');
    expect(behindWords({ ...lack, bytesPerSecond: mebibyte, etaMs: 30_000 })).toBe(
      '3 artifacts, 30.0 MiB, for 4:00; 1.00 MiB/s, 30 s left',
    );
    const none = { sentBytes: 0, readBytes: 0 };
    expect(trafficWords({ traffic: { today: none, days30: none } })).toBe('0 B sent today, 0 B in 30 days');
    const some = { sentBytes: mebibyte, readBytes: 2 * mebibyte };
    expect(trafficWords({ traffic: { today: none, days30: some } })).toContain('2.00 MiB read back in 30 days');
  });

  it('say what an audit found and did', () => {
    const clean = { checked: 2, damaged: 0, documents: 9, bytesRead: 0, findings: [], moreFindings: 0 };
    expect(auditWords(clean)).toBe('2 packs and 9 documents looked at, 0 B read. All is as it should be.');
    expect(auditWords({ ...clean, moreFindings: 2 })).toContain('2 objects not as it should be');
    expect(auditWords({ ...clean, checked: 0, documents: 0 })).toBe('There was nothing to check.');
    expect(actionOf({ action: 'failed' })).toEqual({ word: 'not repaired', look: 'failed' });
  });
});

describe('the form of the limits', () => {
  it('gives back what it was made of', () => {
    for (const bytesPerSecond of [null, mebibyte / 2, 10 * mebibyte]) {
      const limits = { concurrency: 4, bytesPerSecond, auditDays: 7 };
      expect(checkLimitsForm(limitsForm(limits))).toEqual({ ok: true, input: limits });
    }
    expect(limitWords({ concurrency: 1, bytesPerSecond: null, auditDays: 1 })).toBe(
      '1 copy at once, as fast as it goes, read back every 1 day',
    );
  });

  it('says what each field lacks', () => {
    const form = { concurrency: '0', rate: '-1', auditDays: '1.5' };
    expect(checkLimitsForm(form)).toMatchObject({
      ok: false,
      problems: { concurrency: expect.any(String), rate: expect.any(String), auditDays: expect.any(String) },
    });
    for (const rate of ['0', 'much', '1e9', '99999999']) {
      expect(checkLimitsForm({ concurrency: '1', rate, auditDays: '1' }).ok).toBe(false);
    }
  });
});
