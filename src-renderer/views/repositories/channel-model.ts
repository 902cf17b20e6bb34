/** Owns what a person edits of a channel: from what it is to fields, and back, or what is wrong with them. Pure. */
import type { RolloutRequest, RolloutWay } from '../../../src-main/contract/rollout.ts';
import type { ChannelSummary } from '../../../src-main/contract/views/release.ts';

export interface ChannelDraft {
  readonly name: string;
  readonly auto: boolean;
  readonly way: RolloutWay['kind'];
  /** `10, 50`: of the way `percent`. */
  readonly steps: string;
  /** Of the way `canary`. */
  readonly machines: string;
  readonly waitMinutes: string;
  readonly stopsAtFailure: boolean;
  readonly frozen: boolean;
  /** Why it is frozen. */
  readonly reason: string;
}

const minuteMs = 60_000;
const weekMinutes = 7 * 24 * 60;

/** What is there; null for a channel that is yet to be made. */
export function draftOf(channel: ChannelSummary | null): ChannelDraft {
  const rollout = channel?.rollout ?? null;
  const way = rollout?.way ?? null;
  return {
    name: channel?.name ?? '',
    auto: channel?.policy === 'auto',
    way: way?.kind ?? 'all',
    steps: way?.kind === 'percent' ? way.steps.join(', ') : '10, 50',
    machines: way?.kind === 'canary' ? String(way.machines) : '1',
    waitMinutes: String((rollout?.waitMs ?? 0) / minuteMs),
    stopsAtFailure: rollout?.stopsAtFailure ?? true,
    frozen: channel?.frozenReason != null,
    reason: channel?.frozenReason ?? '',
  };
}

export type DraftProblems = Partial<Record<'name' | 'steps' | 'machines' | 'waitMinutes' | 'reason', string>>;

const wholeIn = (text: string, low: number, high: number) =>
  /^\d{1,6}$/.test(text.trim()) && Number(text) >= low && Number(text) <= high;

function stepsOf(text: string): number[] {
  return text
    .split(/[\s,]+/)
    .filter(part => part !== '')
    .map(Number);
}

/** What is wrong with the fields that count. `taken`: the names of the repository's other channels. */
export function draftProblems(draft: ChannelDraft, taken: readonly string[]): DraftProblems {
  const problems: { -readonly [Field in keyof DraftProblems]: string } = {};
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(draft.name)) problems.name = 'Use lower-case letters, digits and dashes.';
  else if (taken.includes(draft.name)) problems.name = 'There is a channel of this name.';
  const steps = stepsOf(draft.steps);
  const grow = steps.every(
    (step, index) => Number.isInteger(step) && step >= 1 && step <= 100 && step > (steps[index - 1] ?? 0),
  );
  if (draft.way === 'percent' && (steps.length === 0 || steps.length > 20 || !grow)) {
    problems.steps = 'Give growing shares from 1 to 100: 10, 50.';
  }
  if (draft.way === 'canary' && !wholeIn(draft.machines, 1, 1_000)) problems.machines = 'Give a number from 1 to 1000.';
  if (draft.way !== 'all' && !wholeIn(draft.waitMinutes, 0, weekMinutes)) {
    problems.waitMinutes = 'Give whole minutes, at most a week.';
  }
  if (draft.frozen && draft.reason.trim() === '') problems.reason = 'Say why, for those who want to release.';
  return problems;
}

function wayOf({ way, steps, machines }: ChannelDraft): RolloutWay {
  switch (way) {
    case 'percent':
      return { kind: way, steps: stepsOf(steps) };
    case 'canary':
      return { kind: way, machines: Number(machines) };
    default:
      return { kind: way };
  }
}

/** How releases go over the machines; null for all at once. Expects a draft without problems. */
export function rolloutOf(draft: ChannelDraft): RolloutRequest | null {
  if (draft.way === 'all') return null;
  return { way: wayOf(draft), waitMs: Number(draft.waitMinutes) * minuteMs, stopsAtFailure: draft.stopsAtFailure };
}

/** The reason to freeze with, null to unfreeze, undefined where that stays as it is. */
export function freezeOf(draft: ChannelDraft, channel: ChannelSummary | null): string | null | undefined {
  const wanted = draft.frozen ? draft.reason.trim() : null;
  return wanted === (channel?.frozenReason ?? null) ? undefined : wanted;
}
