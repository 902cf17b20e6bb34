/** Owns the rules of a rollout: which machines go together, and when the next ones may. Pure. */
import type { Rollout, RolloutRequest, RolloutWay } from '../contract/rollout.ts';

export interface RolloutMachine {
  readonly id: string;
  readonly name: string;
  readonly region: string | null;
}

/** What a machine says of the release: that it runs it, that it went back from it, or neither yet. */
export interface RolloutReport extends RolloutMachine {
  readonly state: 'pending' | 'on' | 'back';
}

function byPlace(one: RolloutMachine, other: RolloutMachine): number {
  return (one.region ?? '').localeCompare(other.region ?? '', 'en') || one.name.localeCompare(other.name, 'en');
}

/** Cuts a list where `ends` says, each an index after the last of its part. */
function cut<Item>(list: readonly Item[], ends: readonly number[]): Item[][] {
  return [0, ...ends].map((start, index) => list.slice(start, ends[index] ?? list.length));
}

function wavesOf(way: RolloutWay, machines: readonly RolloutMachine[]): string[][] {
  const sorted = machines.toSorted(byPlace);
  const ids = sorted.map(machine => machine.id);
  switch (way.kind) {
    case 'all':
      return [ids];
    case 'one-by-one':
      return ids.map(id => [id]);
    case 'regions':
      return [...new Set(sorted.map(machine => machine.region))].map(region =>
        sorted.filter(machine => machine.region === region).map(machine => machine.id),
      );
    case 'percent': {
      const steps = way.steps.toSorted((one, other) => one - other);
      return cut(
        ids,
        steps.map(step => Math.ceil((ids.length * step) / 100)),
      );
    }
    case 'canary':
      return cut(ids, [way.machines]);
  }
}

/** The rollout of a release that is about to be made; null where all machines may go at once. */
export function planRollout(request: RolloutRequest, machines: readonly RolloutMachine[]): Rollout | null {
  const waves = wavesOf(request.way, machines).filter(wave => wave.length > 0);
  if (waves.length < 2) return null;
  return { ...request, waves, wave: 0, state: 'running', waveDoneAtMs: null, message: null };
}

/** Machines that may go now. */
export function allowedNow({ waves, wave }: Rollout): string[] {
  return waves.slice(0, wave + 1).flat();
}

/**
 * The rollout as it is after these reports; the same object where nothing changes. A machine that was revoked holds up nobody, one that
 * is silent does.
 */
export function advance(rollout: Rollout, reports: readonly RolloutReport[], nowMs: number): Rollout {
  if (rollout.state !== 'running') return rollout;
  const known = new Map(reports.map(report => [report.id, report]));
  const going = allowedNow(rollout).flatMap(id => known.get(id) ?? []);
  const back = going.filter(report => report.state === 'back');
  if (back.length > 0 && rollout.stopsAtFailure) {
    const message = `It stopped: ${back.map(report => report.name).join(', ')} went back.`;
    return { ...rollout, state: 'stopped', message };
  }
  if (going.some(report => report.state === 'pending')) return rollout;
  const waveDoneAtMs = rollout.waveDoneAtMs ?? nowMs;
  const isLast = rollout.wave + 1 >= rollout.waves.length;
  if (!isLast && nowMs - waveDoneAtMs < rollout.waitMs) {
    return rollout.waveDoneAtMs === null ? { ...rollout, waveDoneAtMs } : rollout;
  }
  if (isLast) return { ...rollout, state: 'done', waveDoneAtMs };
  return { ...rollout, wave: rollout.wave + 1, waveDoneAtMs: null };
}
