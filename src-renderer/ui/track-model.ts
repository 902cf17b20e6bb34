/** Owns where the hull of a stage track is and what stands under each stage. Knows no component. */
import type { StageName, StageView, VisualState } from '../../src-main/contract/views/state.ts';
import { formatDuration, formatPercent } from './format.ts';

export const stageNames: readonly StageName[] = ['commit', 'queue', 'build', 'store', 'regions', 'machines'];

/** How far into a stage the hull stands while its progress is unknown. */
const unknownProgress = 0.45;
/** A waiting hull stands just past the start of its stage. */
const waitingProgress = 0.3;
/** Keeps the hull off the next node until that node is reached. */
const leastProgress = 0.12;
const mostProgress = 0.94;

export interface TrackLabel {
  readonly stage: StageName;
  readonly text: string;
  /** What may fall away where space is short: the time after a count. */
  readonly extra: string | null;
  /** The state's look on the stage where the hull is; null on all others. */
  readonly state: VisualState | null;
}

export interface TrackModel {
  /** 0 to 5 for the stage where the hull is; null when it is afloat or nothing has begun. */
  readonly liveIndex: number | null;
  readonly liveState: VisualState | null;
  /** The last stage that was entered; -1 when nothing has begun. */
  readonly reachedIndex: number;
  /** Percent of the whole way, of where the passed part ends and the live part begins. */
  readonly passedX: number;
  /** Percent of the whole way, of where the hull is. */
  readonly hullX: number;
  readonly afloat: boolean;
  /** One per reached stage, in order. */
  readonly labels: readonly TrackLabel[];
  /** The track in words, for screen readers. */
  readonly words: string;
}

/** The look of a stage where the hull is. A queue that runs is a wait. */
export function stageLook(stage: StageView): VisualState | null {
  switch (stage.state) {
    case 'failed':
      return 'failed';
    case 'stale':
      return 'stale';
    case 'running':
      return stage.stage === 'queue' ? 'pending' : 'running';
    case 'ahead':
    case 'passed':
    case 'verified':
      return null;
  }
}

function count(stage: StageView): string | null {
  return stage.total !== null && stage.total > 0 ? `${stage.done ?? 0}/${stage.total}` : null;
}

function took(stage: StageView): string | null {
  if (stage.startedAtMs === null || stage.finishedAtMs === null) return null;
  return formatDuration(stage.finishedAtMs - stage.startedAtMs);
}

function liveText(stage: StageView, nowMs: number): string {
  if (stage.note) return stage.note;
  const parts = count(stage);
  if (parts) return parts;
  if (stage.state === 'failed') return 'failed';
  if (stage.state === 'stale') return 'interrupted';
  if (stage.startedAtMs === null) return stage.progress === null ? 'running' : formatPercent(stage.progress);
  const elapsedMs = Math.max(0, nowMs - stage.startedAtMs);
  if (stage.stage === 'build' && stage.progress !== null && stage.progress > 0.02) {
    const wholeMs = elapsedMs / stage.progress;
    if (wholeMs > elapsedMs) return `${formatDuration(elapsedMs)} of ${formatDuration(wholeMs)}`;
  }
  if (stage.stage === 'store' && stage.progress !== null) return formatPercent(stage.progress);
  return formatDuration(elapsedMs);
}

function label(stage: StageView, nowMs: number): TrackLabel | null {
  const state = stageLook(stage);
  if (state) return { stage: stage.stage, text: liveText(stage, nowMs), extra: null, state };
  if (stage.state === 'ahead') return null;
  const parts = count(stage);
  const time = took(stage);
  const text = parts ?? time ?? stage.note;
  if (text === null) return null;
  return { stage: stage.stage, text, extra: parts && time ? ` · ${time}` : null, state: null };
}

function shareOf(stage: StageView, look: VisualState): number {
  if (look === 'pending') return waitingProgress;
  const counted = stage.total !== null && stage.total > 0 ? (stage.done ?? 0) / stage.total : null;
  const share = stage.progress ?? counted ?? unknownProgress;
  return Math.min(mostProgress, Math.max(leastProgress, share));
}

/** What a track shows. `nowMs` dates the stage that runs. */
export function trackModel(stages: readonly StageView[], nowMs: number): TrackModel {
  const labels = stages.map(stage => label(stage, nowMs)).filter(item => item !== null);
  const liveIndex = stages.findIndex(stage => stageLook(stage) !== null);
  const live = liveIndex < 0 ? undefined : stages[liveIndex];
  const liveState = live ? stageLook(live) : null;
  const step = 100 / stageNames.length;
  if (live && liveState) {
    const passedX = liveIndex * step;
    const hullX = (liveIndex + shareOf(live, liveState)) * step;
    const words = `${liveState === 'pending' ? 'waiting' : liveState} at ${live.stage}: ${liveText(live, nowMs)}`;
    return { liveIndex, liveState, reachedIndex: liveIndex, passedX, hullX, afloat: false, labels, words };
  }
  const reached = stages.filter(stage => stage.state !== 'ahead').length;
  const last = stages.at(-1);
  const afloat = last !== undefined && last.state === 'verified';
  const passedX = afloat ? 100 : Math.max(0, reached - 1) * step;
  const words = afloat
    ? 'live on all machines'
    : reached === 0
      ? 'not started'
      : `reached ${stages[reached - 1]?.stage}`;
  return {
    liveIndex: null,
    liveState: null,
    reachedIndex: reached - 1,
    passedX,
    hullX: passedX,
    afloat,
    labels,
    words,
  };
}
