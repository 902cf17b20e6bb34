/** 60 kills of an agent, one for each release. `npm run test:crash -- agent` does the same for 500. */
import { describe, expect, it } from 'vitest';
import { runAgentCrashes } from './agent-crash-run.ts';

const kills = 60;
const seed = Math.floor(Math.random() * 1e9);

describe.skipIf(process.platform !== 'linux')('an agent that is killed at every step', () => {
  it('is on exactly the old release or the new one, and recovers alone', async () => {
    const report = await runAgentCrashes({ kills, seed });
    expect(report.violations, `npm run test:crash -- agent --kills ${kills} --seed ${seed}`).toEqual([]);
    expect(report.kills).toBe(kills);
    expect(report.places.length).toBeGreaterThan(5);
  });
});
