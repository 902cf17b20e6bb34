import { describe, expect, it } from 'vitest';
import { DomainError } from '../../../../src-main/contract/errors.ts';
import { type TrayFacts, trayState } from '../../../../src-main/domain/shell/tray-state.ts';

const facts = (changes: Partial<TrayFacts> & { busy?: number; paused?: boolean } = {}): TrayFacts => ({
  status: { workers: { busy: changes.busy ?? 0, paused: changes.paused ?? false }, problems: [] },
  repositories: [],
  swarm: { paused: false, heldBy: null, uploadBytesPerSecond: 0 },
  ...changes,
});

describe('trayState', () => {
  it('is idle when nothing happens', () => {
    expect(trayState(facts({ repositories: [{ name: 'web', state: 'verified' }] }))).toEqual({
      icon: 'idle',
      tooltip: 'Slipway: idle',
      buildsPaused: false,
      seedingPaused: false,
      failing: 0,
      building: 0,
    });
  });

  it('counts what is built', () => {
    expect(trayState(facts({ busy: 2 }))).toMatchObject({ icon: 'building', tooltip: 'Slipway: building 2' });
  });

  it('shows a failure before a build, by name or by number', () => {
    const one = facts({ busy: 1, repositories: [{ name: 'web', state: 'failed' }] });
    expect(trayState(one)).toMatchObject({ icon: 'failing', tooltip: 'Slipway: web is failing, building 1' });
    const two = facts({ repositories: ['a', 'b'].map(name => ({ name, state: 'failed' as const })) });
    expect(trayState(two).tooltip).toBe('Slipway: 2 repositories are failing');
  });

  it("shows the engine's own problem", () => {
    const problem = new DomainError('swarm.unavailable', 'The swarm process did not start.').toView();
    const state = trayState(facts({ status: { workers: { busy: 0, paused: false }, problems: [problem] } }));
    expect(state).toMatchObject({ icon: 'failing', tooltip: 'Slipway: The swarm process did not start.' });
  });

  it('says what is paused', () => {
    expect(trayState(facts({ paused: true, swarm: { paused: true, heldBy: null, uploadBytesPerSecond: 0 } }))).toEqual({
      icon: 'idle',
      tooltip: 'Slipway: builds paused, seeding paused',
      buildsPaused: true,
      seedingPaused: true,
      failing: 0,
      building: 0,
    });
  });

  it('shows what is given to machines, and what holds it up', () => {
    const seeding = facts({ swarm: { paused: false, heldBy: null, uploadBytesPerSecond: 2_500_000 } });
    expect(trayState(seeding)).toMatchObject({ icon: 'seeding', tooltip: 'Slipway: seeding 2.38 MiB/s' });
    const held = facts({ swarm: { paused: false, heldBy: 'battery', uploadBytesPerSecond: 0 } });
    expect(trayState(held)).toMatchObject({ icon: 'idle', tooltip: 'Slipway: not seeding on battery' });
  });

  it('keeps to the length that Windows shows', () => {
    const { tooltip } = trayState(facts({ repositories: [{ name: 'n'.repeat(300), state: 'failed' }] }));
    expect(tooltip).toHaveLength(127);
    expect(tooltip.endsWith('…')).toBe(true);
  });
});
