/** Owns the commit-to-machine track: where a revision is, made of the times of its events and nothing else. No I/O. */
import type { JobStatus } from '../contract/views/job.ts';
import type { StageName, StageView, VisualState } from '../contract/views/state.ts';

export interface TrackFacts {
  readonly job: {
    readonly status: JobStatus;
    readonly committedAt: number | null;
    readonly seenAt: number;
    readonly queuedAt: number;
    readonly startedAt: number | null;
    readonly finishedAt: number | null;
    /** Share of the usual time that has passed, 0 to 1; null without history. */
    readonly progress: number | null;
    /** `2nd in line`, `test failed`. */
    readonly note: string | null;
    /** When packing began in the running or last attempt; null when it was not reached. */
    readonly packStartedAt: number | null;
  };
  /** Null until the artifact is in the main store. */
  readonly storedAt: number | null;
  readonly regions: {
    readonly total: number;
    readonly verified: number;
    readonly failed: number;
    readonly progress: number | null;
    readonly lastVerifiedAt: number | null;
  };
  /** Null while no channel runs the build. */
  readonly release: {
    readonly createdAt: number;
    readonly machines: number;
    readonly switched: number;
    readonly failed: number;
    readonly lastSwitchedAt: number | null;
  } | null;
}

const stage = (name: StageName, change: Partial<StageView>): StageView => ({
  stage: name,
  state: 'ahead',
  startedAtMs: null,
  finishedAtMs: null,
  done: null,
  total: null,
  progress: null,
  note: null,
  ...change,
});

function buildStages({ job, storedAt }: TrackFacts): StageView[] {
  const queue: Partial<StageView> = { startedAtMs: job.queuedAt, finishedAtMs: job.startedAt };
  if (job.startedAt === null) {
    const waiting = job.status === 'queued';
    return [
      stage('queue', { ...queue, state: waiting ? 'running' : 'stale', note: job.note }),
      stage('build', {}),
      stage('store', {}),
    ];
  }
  const passed = stage('queue', { ...queue, state: 'passed' });
  const began = { startedAtMs: job.startedAt };
  if (storedAt !== null) {
    const packed = job.packStartedAt ?? storedAt;
    return [
      passed,
      stage('build', { ...began, finishedAtMs: packed, state: 'passed' }),
      stage('store', { startedAtMs: packed, finishedAtMs: storedAt, state: 'passed' }),
    ];
  }
  const here: StageName = job.packStartedAt === null ? 'build' : 'store';
  const state = job.status === 'running' ? 'running' : job.status === 'failed' ? 'failed' : 'stale';
  const live = { finishedAtMs: job.finishedAt, state, progress: job.progress, note: job.note } as const;
  if (here === 'build') return [passed, stage('build', { ...began, ...live }), stage('store', {})];
  return [
    passed,
    stage('build', { ...began, finishedAtMs: job.packStartedAt, state: 'passed' }),
    stage('store', { startedAtMs: job.packStartedAt, ...live }),
  ];
}

function regionStage({ storedAt, regions }: TrackFacts): StageView {
  const { total, verified, failed, progress, lastVerifiedAt } = regions;
  if (storedAt === null) return stage('regions', {});
  const parts = { startedAtMs: storedAt, done: verified, total };
  if (verified === total)
    return stage('regions', { ...parts, finishedAtMs: lastVerifiedAt ?? storedAt, state: 'passed' });
  return failed > 0
    ? stage('regions', { ...parts, state: 'failed', note: `${failed} failed` })
    : stage('regions', { ...parts, state: 'running', progress });
}

function machineStage({ release }: TrackFacts): StageView {
  if (!release) return stage('machines', { note: 'not released' });
  const { createdAt, machines, switched, failed, lastSwitchedAt } = release;
  const parts = { startedAtMs: createdAt, done: switched, total: machines };
  if (machines === 0) return stage('machines', { ...parts, note: 'no machines' });
  if (failed > 0) return stage('machines', { ...parts, state: 'failed', note: `${switched}/${machines}` });
  if (switched < machines) return stage('machines', { ...parts, state: 'running', progress: switched / machines });
  return stage('machines', { ...parts, finishedAtMs: lastSwitchedAt, state: 'verified' });
}

/** The six stages in order. */
export function trackOf(facts: TrackFacts): StageView[] {
  return [
    stage('commit', { startedAtMs: facts.job.committedAt, finishedAtMs: facts.job.seenAt, state: 'passed' }),
    ...buildStages(facts),
    regionStage(facts),
    machineStage(facts),
  ];
}

/** What a row says in one state and a few words, from its track. */
export function summarise(track: readonly StageView[], status: JobStatus): { state: VisualState; text: string } {
  const failed = track.find(part => part.state === 'failed');
  if (failed) return { state: 'failed', text: `${failed.stage} failed` };
  if (status === 'interrupted') return { state: 'stale', text: 'needs you: interrupted' };
  if (status === 'cancelled') return { state: 'pending', text: 'cancelled' };
  if (status === 'queued') return { state: 'pending', text: 'waiting' };
  const moving = track.find(part => part.state === 'running');
  if (moving) return { state: 'running', text: moving.stage };
  return { state: 'verified', text: track.at(-1)?.state === 'verified' ? 'afloat' : 'built' };
}
