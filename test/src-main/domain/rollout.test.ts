import { describe, expect, it } from 'vitest';
import { type RolloutWay, rolloutRequestSchema } from '../../../src-main/contract/rollout.ts';
import { advance, allowedNow, planRollout, type RolloutReport } from '../../../src-main/domain/rollout.ts';

const machines = Array.from({ length: 10 }, (_, index) => ({
  id: `m${index}`,
  name: `web-${index}`,
  region: index < 4 ? 'eu' : 'us',
}));
const plan = (way: RolloutWay, changes: object = {}) =>
  planRollout(rolloutRequestSchema.parse({ way, ...changes }), machines);
const report = (index: number, state: RolloutReport['state']): RolloutReport => ({
  id: `m${index}`,
  name: `web-${index}`,
  region: null,
  state,
});
const sizes = (way: RolloutWay) => plan(way)?.waves.map(wave => wave.length) ?? null;

describe('the waves of a rollout', () => {
  it('are as the way says, and every machine is in exactly one', () => {
    expect(sizes({ kind: 'all' })).toBeNull();
    expect(sizes({ kind: 'one-by-one' })).toEqual(Array(10).fill(1));
    expect(sizes({ kind: 'regions' })).toEqual([4, 6]);
    expect(sizes({ kind: 'percent', steps: [50, 1] })).toEqual([1, 4, 5]);
    expect(sizes({ kind: 'percent', steps: [100] })).toBeNull();
    expect(sizes({ kind: 'canary', machines: 2 })).toEqual([2, 8]);
    expect(sizes({ kind: 'canary', machines: 99 })).toBeNull();
    const all = plan({ kind: 'percent', steps: [33, 66] })?.waves.flat() ?? [];
    expect([...all].sort()).toEqual(machines.map(machine => machine.id));
  });
});

describe('a rollout', () => {
  function canary(changes: object = {}) {
    const made = plan({ kind: 'canary', machines: 2 }, changes);
    if (made === null) throw new Error('there are two waves');
    return made;
  }

  it('goes on when every machine of the wave runs it, and is done after the last', () => {
    const first = canary();
    expect(allowedNow(first)).toEqual(['m0', 'm1']);
    expect(advance(first, [report(0, 'on'), report(1, 'pending')], 1)).toBe(first);
    const second = advance(first, [report(0, 'on'), report(1, 'on')], 1);
    expect(allowedNow(second).length).toBe(10);
    const done = advance(
      second,
      machines.map((_, index) => report(index, 'on')),
      2,
    );
    expect(done.state).toBe('done');
  });

  it('waits after the canary for as long as was said, however often it is looked at', () => {
    const on = [report(0, 'on'), report(1, 'on')];
    const waiting = advance(canary({ waitMs: 100 }), on, 1_000);
    expect([waiting.wave, waiting.waveDoneAtMs]).toEqual([0, 1_000]);
    expect(advance(waiting, on, 1_099)).toBe(waiting);
    // One that went back meanwhile stops it all the same.
    expect(advance(waiting, [report(0, 'on'), report(1, 'back')], 1_100).state).toBe('stopped');
    expect(advance(waiting, on, 1_100).wave).toBe(1);
  });

  it('stops at the first machine that goes back, unless told to keep going', () => {
    const reports = [report(0, 'back'), report(1, 'on')];
    const stopped = advance(canary(), reports, 1);
    expect(stopped).toMatchObject({ state: 'stopped', wave: 0, message: 'It stopped: web-0 went back.' });
    expect(advance(stopped, reports, 9)).toBe(stopped);
    expect(advance(canary({ stopsAtFailure: false }), reports, 1).wave).toBe(1);
  });

  it('is held up by a silent machine, and by no machine that was revoked', () => {
    expect(advance(canary(), [report(0, 'on')], 1).wave).toBe(1);
  });
});
