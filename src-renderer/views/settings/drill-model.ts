/** Owns what the result of a crash drill says in words. Knows no component. */
import type { DrillResult } from '../../../src-main/contract/drill.ts';
import { formatDuration } from '../../ui/format.ts';

const took = (ms: number | null) => (ms === null ? 'never' : formatDuration(ms, { tenths: true }));

/** What was measured since the kill, in the order in which it came. */
export function drillTimes(result: DrillResult): readonly (readonly [what: string, after: string])[] {
  return [
    ['loss noticed', took(result.noticedAfterMs)],
    ['job back in the queue', took(result.requeuedAfterMs)],
    ['next attempt began', took(result.restartedAfterMs)],
    ['succeeded', took(result.succeededAfterMs)],
  ];
}

/** `Passed: 6.5 s from the last checkup to the next attempt, at most 15 s.` */
export function drillVerdict(result: DrillResult): string {
  const limit = formatDuration(result.limitMs);
  return `${result.holds ? 'Passed' : 'Failed'}: ${took(result.recoveredMs)} from the last checkup to the next attempt, at most ${limit}.`;
}
