import { createHash, createHmac } from 'node:crypto';
import { expect, it } from 'vitest';
import { type Plan, planSchema } from '../../../src-main/contract/plan.ts';
import { environmentDigests } from '../../../src-main/worker/environment.ts';

const plan: Plan = planSchema.parse({
  origin: 'pipeline',
  tool: 'custom',
  requirements: [],
  steps: [],
  env: { MODE: 'fast' },
  secrets: ['PIN'],
  artifact: { include: ['.'], exclude: [] },
  start: null,
  health: null,
  evidence: [],
});
const environment = { variables: { MODE: 'slow' }, secrets: { PIN: '1234' } };
const own = { repositoryId: 'repository 1', masterKey: Buffer.alloc(32, 1) };

it('tells whether a value is the same, for each name, and depends on the place that it has', () => {
  const digests = environmentDigests(plan, environment, own);
  expect(Object.keys(digests).sort()).toEqual(['MODE', 'PIN']);
  expect(environmentDigests(plan, environment, own)).toEqual(digests);
  const changed = environmentDigests(plan, { ...environment, secrets: { PIN: '1235' } }, own);
  expect(changed).toEqual({ ...digests, PIN: expect.not.stringMatching(digests.PIN ?? '') });
  const weaker = environmentDigests(
    { ...plan, env: { MODE: 'slow' } },
    { ...environment, variables: { MODE: 'fast' } },
    own,
  );
  expect(weaker.MODE).not.toBe(digests.MODE);
});

it('gives nobody a way to guess a short secret without the master key', () => {
  const { PIN = '' } = environmentDigests(plan, environment, own);
  const guesses = Array.from({ length: 10_000 }, (_, pin) => String(pin).padStart(4, '0'));
  const bare = guesses.flatMap(pin => [
    createHash('sha256').update(pin).digest('hex'),
    createHmac('sha256', 'PIN').update(pin).digest('hex'),
    createHmac('sha256', '')
      .update(JSON.stringify([own.repositoryId, 'PIN', [['secret', pin]]]))
      .digest('hex'),
  ]);
  expect(bare).not.toContain(PIN);
  expect(environmentDigests(plan, environment, { ...own, masterKey: Buffer.alloc(32, 2) }).PIN).not.toBe(PIN);
  // Two repositories with one password do not show that it is one.
  expect(environmentDigests(plan, environment, { ...own, repositoryId: 'repository 2' }).PIN).not.toBe(PIN);
});
