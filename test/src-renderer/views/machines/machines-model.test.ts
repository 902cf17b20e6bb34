/** What the machines view says. */
import { describe, expect, it } from 'vitest';
import type { MachineView } from '../../../../src-main/contract/views/machine.ts';
import type { ChannelSummary } from '../../../../src-main/contract/views/release.ts';
import {
  firstMachine,
  machineGroups,
  machineSentence,
  phaseWord,
  reportLines,
  savingWords,
  shortAge,
} from '../../../../src-renderer/views/machines/machines-model.ts';
import { commonUnit, inUnit, sourceShares } from '../../../../src-renderer/views/machines/source-shares.ts';

const machine = (name: string, change: Partial<MachineView> = {}): MachineView => ({
  id: name,
  repositoryId: 'r',
  repositoryName: 'booking-api',
  channel: 'production',
  name,
  region: 'Hamina',
  state: 'verified',
  phase: 'active',
  serial: 118,
  targetSerial: 118,
  behind: 0,
  artifactId: null,
  health: 'healthy',
  message: null,
  progress: null,
  bytes: { peers: 0, region: 0, reuse: 0 },
  lastReportAtMs: 1_000,
  silent: false,
  agentVersion: '1.0.0',
  environmentNames: [],
  timeline: [],
  evidenceSerial: null,
  kept: [],
  drift: null,
  repairRequestedAtMs: null,
  ...change,
});
const channel = (name: string, serial: number | null): ChannelSummary => ({
  id: name,
  name,
  policy: 'manual',
  pausedReason: null,
  frozenReason: null,
  rollout: null,
  serial,
  revision: null,
  artifactId: null,
  machinesOnIt: 0,
  machinesTotal: 0,
});

describe('machineGroups', () => {
  const machines = [
    machine('app-10', { region: 'Tokyo' }),
    machine('app-2'),
    machine('app-1'),
    machine('app-3', {
      region: 'Tokyo',
      state: 'failed',
      serial: 117,
      behind: 1,
      phase: 'rolled_back',
      health: 'unhealthy',
    }),
    machine('stray', { channel: 'old' }),
  ];
  const groups = machineGroups(machines, [channel('production', 118), channel('staging', null)], 7_000);

  it('keeps every channel and every machine', () => {
    expect(groups.map(group => [group.channel, group.rows.length])).toEqual([
      ['production', 4],
      ['staging', 0],
      ['old', 1],
    ]);
  });

  it('sorts by region and name, and names each region once', () => {
    const rows = groups[0]?.rows ?? [];
    expect(rows.map(row => row.machine.name)).toEqual(['app-1', 'app-2', 'app-3', 'app-10']);
    expect(rows.map(row => row.region)).toEqual(['Hamina', '', 'Tokyo', '']);
  });

  it('says how many run the release, and what is wrong with the rest', () => {
    expect(groups[0]).toMatchObject({ share: '3 of 4 on it', shareLook: 'failed' });
    expect(groups[1]?.share).toBe('no machine yet');
    expect(groups[0]?.rows[2]).toMatchObject({
      phase: 'rolled back',
      phaseLook: 'failed',
      health: 'unhealthy',
      drift: '1 behind',
      seen: '6 s',
    });
    expect(firstMachine(groups)).toBe('app-3');
  });

  it('calls a silent machine silent, whatever its last report said', () => {
    const [group] = machineGroups([machine('a', { silent: true, state: 'stale' })], [], 0);
    expect(group?.rows[0]).toMatchObject({ health: 'silent', healthLook: 'stale' });
  });
});

describe('words', () => {
  it('shows progress only while fetching', () => {
    expect(phaseWord({ phase: 'fetching', progress: 0.634 })).toBe('fetching 63 %');
    expect(phaseWord({ phase: 'active', progress: 1 })).toBe('active');
  });

  it('lets the agent speak for itself', () => {
    expect(machineSentence(machine('a', { message: 'disk full' }))).toBe('disk full');
    for (const phase of [
      'invited',
      'paired',
      'enrolled',
      'fetching',
      'verifying',
      'switching',
      'checking',
      'active',
      'rolled_back',
      'failed',
    ] as const) {
      expect(machineSentence(machine('a', { phase }))).toMatch(/\.$/);
    }
  });

  it('lists the reports newest first with the time each phase took', () => {
    const timeline = [
      { phase: 'fetching' as const, atMs: 0 },
      { phase: 'failed' as const, atMs: 2_700 },
    ];
    expect(reportLines({ timeline, targetSerial: 118, serial: 117 })).toEqual([
      { atMs: 2_700, words: 'failed 118', look: 'failed', took: '' },
      { atMs: 0, words: 'fetching 118', look: null, took: '2.7 s' },
    ]);
  });

  it('keeps ages short', () => {
    expect([-5, 59_999, 60_000, 7_200_000, 200_000_000].map(shortAge)).toEqual([
      '0 s',
      '59 s',
      '1 min',
      '2 h',
      '2 days',
    ]);
  });

  it('tells what reuse and peers saved', () => {
    expect(savingWords([machine('a')])).toBeNull();
    expect(savingWords([machine('a', { bytes: { peers: 1, region: 1, reuse: 2 } })])).toBe(
      '50 % reused, 25 % from other machines, 25 % from the region',
    );
  });
});

describe('sources', () => {
  it('shares add up to what is shown', () => {
    expect(sourceShares({ peers: 1, region: 0, reuse: 3 })).toEqual([
      { source: 'peers', share: 0.25 },
      { source: 'reuse', share: 0.75 },
    ]);
    expect(sourceShares({ peers: 1, region: 0, reuse: 0 }, 4)).toEqual([{ source: 'peers', share: 0.25 }]);
    expect(sourceShares({ peers: 0, region: 0, reuse: 0 })).toEqual([]);
  });

  it('writes a column in one unit', () => {
    const { unit, bytes } = commonUnit(150 * 1024 ** 2);
    expect(unit).toBe('MiB');
    expect([0, 300_000, 7 * 1024 ** 2, 141 * 1024 ** 2].map(value => inUnit(value, bytes))).toEqual([
      '0',
      '0.3',
      '7',
      '141',
    ]);
    expect(commonUnit(0).unit).toBe('B');
  });
});
