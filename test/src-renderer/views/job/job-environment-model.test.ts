import { expect, it } from 'vitest';
import type { EnvironmentView } from '../../../../src-main/contract/environment.ts';
import { planSchema } from '../../../../src-main/contract/plan.ts';
import { environmentNames } from '../../../../src-renderer/views/job/job-environment-model.ts';

const plan = planSchema.parse({
  origin: 'pipeline',
  tool: 'custom',
  requirements: [],
  steps: [
    {
      id: 'build',
      name: 'Build',
      phase: 'build',
      run: 'make',
      env: { TARGET: 'all' },
      timeoutMs: 1_000,
      idempotent: true,
      evidence: [],
    },
  ],
  env: { MODE: 'fast' },
  secrets: ['TOKEN'],
  artifact: { include: ['.'], exclude: [] },
  start: null,
  health: null,
  evidence: [],
});
const variable = (name: string, setAtMs: number | null, origin: 'repository' | 'step' = 'repository') => ({
  name,
  value: 'x',
  origin,
  step: null,
  setAtMs,
});
const own: EnvironmentView = {
  variables: [variable('MODE', 5), variable('LATER', 11), variable('OF_NEWER_PLAN', null, 'step')],
  secrets: [],
};

it('gives each name its origin, the strongest last, and what the job could not have had not at all', () => {
  expect(environmentNames({ plan, startedAtMs: 10 }, own)).toEqual([
    { name: 'MODE', origin: 'repository', step: null },
    { name: 'MODE', origin: 'slipway.yml', step: null },
    { name: 'TARGET', origin: 'slipway.yml', step: 'Build' },
    { name: 'TOKEN', origin: 'secret store', step: null },
  ]);
});

it('knows nothing without a plan, and the plan alone without the repository', () => {
  expect(environmentNames({ plan: null, startedAtMs: null }, own)).toBeNull();
  const detected = environmentNames({ plan: { ...plan, origin: 'detected' }, startedAtMs: null }, undefined);
  expect(detected?.map(({ origin }) => origin)).toEqual(['detected plan', 'detected plan', 'secret store']);
});
