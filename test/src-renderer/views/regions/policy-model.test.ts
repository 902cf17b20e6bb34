import { describe, expect, it } from 'vitest';
import { checkPolicyForm, policyForm, policyWords } from '../../../../src-renderer/views/regions/policy-model.ts';

describe('the form of which regions hold which versions', () => {
  it('gives back what it was made of, without regions that are gone', () => {
    for (const policy of [
      { regionIds: null, versions: null },
      { regionIds: ['a', 'b'], versions: 20 },
      { regionIds: [], versions: 1 },
    ]) {
      expect(checkPolicyForm(policyForm(policy, ['a', 'b', 'c']))).toEqual({ ok: true, input: policy });
    }
    const gone = policyForm({ regionIds: ['a', 'gone'], versions: null }, ['a', 'b']);
    expect(checkPolicyForm(gone)).toEqual({ ok: true, input: { regionIds: ['a'], versions: null } });
  });

  it('begins with all regions where one turns from every region to some', () => {
    const form = policyForm({ regionIds: null, versions: null }, ['a', 'b']);
    expect(checkPolicyForm({ ...form, everywhere: false })).toMatchObject({ input: { regionIds: ['a', 'b'] } });
  });

  it('refuses what is no number of versions', () => {
    for (const versions of ['0', '-1', '1.5', 'all', '100001', '1e3']) {
      expect(checkPolicyForm({ everywhere: true, regionIds: [], versions })).toMatchObject({
        ok: false,
        problems: { versions: expect.stringContaining('1 to 100000') },
      });
    }
  });

  it('is told in a few words', () => {
    expect(policyWords({ regionIds: null, versions: null })).toBe('every version in every region');
    expect(policyWords({ regionIds: ['a', 'b'], versions: 20 })).toBe('the newest 20 versions in 2 regions');
    expect(policyWords({ regionIds: [], versions: 1 })).toBe('copied to no region');
  });
});
