import { describe, expect, it } from 'vitest';
import {
  channelEnvironmentWords,
  isOverridden,
  nameProblem,
  originWords,
  valueHint,
  valueProblem,
} from '../../../src-renderer/views/repositories/environment-model.ts';

const variable = (origin: 'repository' | 'pipeline' | 'step', name = 'MODE') =>
  ({ name, value: 'x', origin, step: origin === 'step' ? 'Test' : null, setAtMs: null }) as const;

describe('the environment of builds', () => {
  it('says where a variable is set', () => {
    expect(originWords(variable('repository'))).toBe('repository');
    expect(originWords(variable('pipeline'))).toBe('slipway.yml');
    expect(originWords(variable('step'))).toBe('step Test');
  });

  it('says what a channel runs with and what its next release changes', () => {
    const view = { channel: 'production', version: 2, nextVersion: 2, changed: false, machines: 3, values: [] };
    expect(channelEnvironmentWords(view)).toBe('environment 2');
    expect(channelEnvironmentWords({ ...view, nextVersion: 3, changed: true })).toContain('3 with the next release');
    expect(channelEnvironmentWords({ ...view, machines: 0 })).toContain('first machine');
    expect(channelEnvironmentWords({ ...view, version: null, nextVersion: null })).toBe('');
    expect(valueHint('secret', 'production')).toContain('machines of production');
  });

  it('shows a value of the repository as unused only where slipway.yml sets the same name for all steps', () => {
    const own = variable('repository');
    expect(isOverridden(own, [own, variable('pipeline')])).toBe(true);
    expect(isOverridden(own, [own, variable('step')])).toBe(false);
    expect(isOverridden(own, [own, variable('pipeline', 'OTHER')])).toBe(false);
    expect(isOverridden(variable('pipeline'), [own, variable('pipeline')])).toBe(false);
  });

  it('says the minimum length before and after it is missed, and nothing of an empty field', () => {
    expect(valueHint('secret')).toContain('At least 6 characters');
    expect(valueProblem('secret', 'short')).toContain('at least 6 characters');
    expect(valueProblem('secret', '')).toBeNull();
    expect(valueProblem('variable', 'short')).toBeNull();
    expect(nameProblem('')).toBeNull();
    expect(nameProblem('SLIPWAY_X')).toContain('SLIPWAY');
    expect(nameProblem('NPM_TOKEN')).toBeNull();
  });
});
