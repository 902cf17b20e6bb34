/** Owns what the machines view says: groups by channel, words for phase, health and drift, the agent's own report. Pure. */

import type { MachineView } from '../../../src-main/contract/views/machine.ts';
import type { ChannelSummary, ReleaseView } from '../../../src-main/contract/views/release.ts';
import type { VisualState } from '../../../src-main/contract/views/state.ts';
import { formatDuration, formatPercent, plural } from '../../ui/format.ts';

export interface MachineRow {
  readonly machine: MachineView;
  /** Empty where the row above is in the same region. */
  readonly region: string;
  readonly phase: string;
  readonly phaseLook: VisualState | null;
  readonly health: string;
  readonly healthLook: VisualState | null;
  readonly drift: string;
  readonly driftLook: VisualState | null;
  /** Time since the last report, short: `6 s`. */
  readonly seen: string;
}

export interface MachineGroup {
  readonly channel: string;
  readonly serial: number | null;
  readonly revision: string | null;
  /** `10 of 12 on it`. */
  readonly share: string;
  readonly shareLook: VisualState | null;
  readonly rows: readonly MachineRow[];
}

/** Machines by channel; a channel without machines is a group without rows. Within one: by region, then by name. */
export function machineGroups(
  machines: readonly MachineView[],
  channels: readonly ChannelSummary[],
  nowMs: number,
): MachineGroup[] {
  const names = [...channels.map(channel => channel.name), ...machines.map(machine => machine.channel)];
  return [...new Set(names)].map(name => {
    const channel = channels.find(one => one.name === name);
    const own = machines.filter(machine => machine.channel === name).sort(byPlace);
    const serial = channel?.serial ?? null;
    const onIt = own.filter(machine => serial !== null && machine.serial === serial).length;
    return {
      channel: name,
      serial,
      revision: channel?.revision ?? null,
      share:
        own.length === 0
          ? 'no machine yet'
          : serial === null
            ? plural(own.length, 'machine')
            : `${onIt} of ${own.length} on it`,
      shareLook: own.some(machine => machine.state === 'failed')
        ? 'failed'
        : own.some(machine => machine.state === 'stale')
          ? 'stale'
          : null,
      rows: own.map((machine, index) => machineRow(machine, own[index - 1] ?? null, nowMs)),
    };
  });
}

function byPlace(a: MachineView, b: MachineView): number {
  return (a.region ?? '').localeCompare(b.region ?? '', 'en') || a.name.localeCompare(b.name, 'en', { numeric: true });
}

function machineRow(machine: MachineView, above: MachineView | null, nowMs: number): MachineRow {
  const word = phaseWord(machine);
  const behind = machine.behind > 0;
  return {
    machine,
    region: above && above.region === machine.region ? '' : (machine.region ?? 'no region'),
    phase: word,
    phaseLook:
      machine.phase === 'active' || machine.phase === 'paired' || machine.phase === 'invited' ? null : machine.state,
    health: machine.silent ? 'silent' : machine.health === 'unknown' ? '–' : machine.health,
    healthLook: machine.silent ? 'stale' : machine.health === 'unhealthy' ? 'failed' : null,
    drift:
      machine.serial === null
        ? 'nothing runs'
        : machine.drift !== null
          ? 'changed'
          : behind
            ? `${machine.behind} behind`
            : 'none',
    driftLook: machine.drift !== null ? 'failed' : behind ? (machine.state === 'failed' ? 'failed' : 'stale') : null,
    seen: machine.lastReportAtMs === null ? 'never' : shortAge(nowMs - machine.lastReportAtMs),
  };
}

/** How long ago in one unit, for a narrow column: `6 s`, `14 min`, `3 h`, `2 days`. */
export function shortAge(ageMs: number): string {
  const seconds = Math.max(0, Math.floor(ageMs / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return plural(Math.floor(seconds / 86_400), 'day');
}

const phaseWords: Record<MachineView['phase'], string> = {
  invited: 'invited',
  paired: 'paired',
  enrolled: 'paired',
  fetching: 'fetching',
  verifying: 'verifying',
  waiting: 'waiting',
  migrating: 'migrating',
  switching: 'switching',
  checking: 'checking health',
  active: 'active',
  rolled_back: 'rolled back',
  failed: 'failed',
};

/** What a machine does: `fetching 63 %`. */
export function phaseWord(machine: Pick<MachineView, 'phase' | 'progress'>): string {
  const word = phaseWords[machine.phase];
  return machine.phase === 'fetching' && machine.progress !== null
    ? `${word} ${formatPercent(machine.progress)}`
    : word;
}

/** What a machine is about, in one sentence; the agent's own words come first. */
export function machineSentence(machine: MachineView): string {
  if (machine.message) return machine.message;
  if (machine.drift) return `What runs is not as it was installed: ${machine.drift}.`;
  const target = machine.targetSerial ?? machine.serial;
  if (machine.silent) return 'It has not reported for a while. Check that the machine and its agent run.';
  switch (machine.phase) {
    case 'invited':
      return 'It was invited and has not enrolled yet. Run the pairing command on it.';
    case 'paired':
    case 'enrolled':
      return 'It is paired. Its first report comes with the next release.';
    case 'fetching':
      return `It fetches release ${target ?? ''}.`;
    case 'verifying':
      return `It checks every file of release ${target ?? ''} against the list.`;
    case 'waiting':
      return `It has release ${target ?? ''} and waits for its turn.`;
    case 'migrating':
      return `It runs the migrations of release ${target ?? ''}.`;
    case 'switching':
      return `It switches to release ${target ?? ''}.`;
    case 'checking':
      return `It runs release ${target ?? ''} and checks its health.`;
    case 'active':
      return `It runs release ${machine.serial ?? ''}${machine.health === 'healthy' ? ' and is healthy' : ''}.`;
    case 'rolled_back':
      return `Release ${target ?? ''} did not hold here; the one before runs again.`;
    case 'failed':
      return `Release ${target ?? ''} could not be installed here.`;
  }
}

export interface ReportLine {
  readonly atMs: number;
  readonly words: string;
  readonly look: VisualState | null;
  /** How long the phase took; empty for the newest. */
  readonly took: string;
}

/** What the agent reported of the current target, newest first. */
export function reportLines(machine: Pick<MachineView, 'timeline' | 'targetSerial' | 'serial'>): ReportLine[] {
  const serial = machine.targetSerial ?? machine.serial;
  return machine.timeline
    .map((entry, index) => {
      const next = machine.timeline[index + 1];
      return {
        atMs: entry.atMs,
        words: [phaseWords[entry.phase], serial === null ? '' : String(serial)].filter(Boolean).join(' '),
        look: entry.phase === 'failed' || entry.phase === 'rolled_back' ? ('failed' as const) : null,
        took: next ? formatDuration(next.atMs - entry.atMs, { tenths: true }) : '',
      };
    })
    .reverse();
}

/** `14 machines, 2 channels`. */
export function fleetWords(machines: readonly MachineView[], channels: readonly ChannelSummary[]): string {
  return `${plural(machines.length, 'machine')}, ${plural(channels.length, 'channel')}`;
}

/** `77 % reused, 15 % from peers`; null before anything was fetched. */
export function savingWords(machines: readonly MachineView[]): string | null {
  const total = { peers: 0, region: 0, reuse: 0 };
  for (const { bytes } of machines) {
    total.peers += bytes.peers;
    total.region += bytes.region;
    total.reuse += bytes.reuse;
  }
  const sum = total.peers + total.region + total.reuse;
  if (sum === 0) return null;
  return `${formatPercent(total.reuse / sum)} reused, ${formatPercent(total.peers / sum)} from other machines, ${formatPercent(total.region / sum)} from the region`;
}

/** The machine to show first: the worst one. */
export function firstMachine(groups: readonly MachineGroup[]): string | null {
  const rows = groups.flatMap(group => group.rows);
  const worst = (['failed', 'stale', 'running'] as const)
    .map(state => rows.find(row => row.machine.state === state))
    .find(row => row !== undefined);
  return (worst ?? rows[0])?.machine.id ?? null;
}

/** Whether a channel has a release to go back to. */
export function canRollBack(releases: readonly ReleaseView[]): boolean {
  return releases.some(release => !release.current) && releases.some(release => release.current);
}
