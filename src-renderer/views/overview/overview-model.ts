/** Owns what the overview says in words: the day, what runs, what waits and for whom. Knows no component. */

import type { Overview } from '../../../src-main/contract/views/engine.ts';
import type { JobSummary } from '../../../src-main/contract/views/job.ts';
import type { ChannelSummary } from '../../../src-main/contract/views/release.ts';
import type { RepositoryRow } from '../../../src-main/contract/views/repository.ts';
import type { StageName, VisualState } from '../../../src-main/contract/views/state.ts';
import { type Route, routeHref } from '../../state/route.ts';
import { formatDuration, plural } from '../../ui/format.ts';

/** `41 deploys today · commit to all machines 4:26 median, 7:58 p95`. */
export function dayWords(overview: Pick<Overview, 'deploysToday' | 'medianJourneyMs' | 'p95JourneyMs'>): string {
  const { deploysToday, medianJourneyMs, p95JourneyMs } = overview;
  const words = deploysToday === 0 ? 'no deploy today' : `${plural(deploysToday, 'deploy')} today`;
  if (medianJourneyMs === null) return words;
  const p95 = p95JourneyMs === null ? '' : `, ${formatDuration(p95JourneyMs)} p95`;
  return `${words} · commit to all machines ${formatDuration(medianJourneyMs)} median${p95}`;
}

/** Where a stage's time leads: the job for what it does, the map for copies, the list for machines. */
export function stageHref(row: Pick<RepositoryRow, 'latestJob'>, stage: StageName): string | null {
  if (stage === 'regions') return routeHref({ view: 'regions' });
  if (stage === 'machines') return routeHref({ view: 'machines' });
  return row.latestJob ? routeHref({ view: 'job', jobId: row.latestJob.id }) : null;
}

/** The cause behind a count of the sentence: the first repository in that state, at its job where the job is the cause. */
export function causeRoute(rows: readonly RepositoryRow[], state: VisualState): Route {
  const row = rows.find(item => item.state === state);
  if (!row) return { view: 'repositories' };
  const job = row.latestJob;
  const jobIsCause =
    job !== null && (job.status === 'failed' || job.status === 'interrupted' || job.status === 'running');
  return jobIsCause ? { view: 'job', jobId: job.id } : { view: 'repository', repositoryId: row.id };
}

export interface ChannelMark {
  readonly state: VisualState;
  readonly words: string;
  readonly progress: number | null;
}

/** What is unusual about a channel; null where all of its machines run its release. */
export function channelMark(channel: ChannelSummary): ChannelMark | null {
  if (channel.frozenReason !== null) {
    return { state: 'stale', words: `frozen: ${channel.frozenReason}`, progress: null };
  }
  if (channel.pausedReason !== null) {
    return { state: 'stale', words: `held: ${channel.pausedReason}`, progress: null };
  }
  if (channel.serial === null || channel.machinesOnIt >= channel.machinesTotal) return null;
  return {
    state: 'running',
    words: `${channel.machinesOnIt} of ${plural(channel.machinesTotal, 'machine')} on it`,
    progress: channel.machinesOnIt / channel.machinesTotal,
  };
}

export interface WaitingRow {
  readonly job: JobSummary;
  readonly state: VisualState;
  readonly place: string;
  readonly waitsFor: string;
  /** UTC milliseconds of the expected start; null where none can be told. */
  readonly startsAtMs: number | null;
  readonly needsPerson: boolean;
}

/** Queued jobs in their order, then those that wait for a person. */
export function waitingRows(overview: Pick<Overview, 'waiting' | 'repositories'>): readonly WaitingRow[] {
  const queued = overview.waiting.map(
    (job): WaitingRow => ({
      job,
      state: 'pending',
      place: job.position === null ? '–' : String(job.position),
      waitsFor: job.waitingFor?.text ?? 'its turn',
      startsAtMs: job.etaMs,
      needsPerson: false,
    }),
  );
  const stopped = overview.repositories
    .map(row => row.latestJob)
    .filter(job => job?.status === 'interrupted')
    .filter(job => job !== null)
    .map(
      (job): WaitingRow => ({
        job,
        state: 'stale',
        place: '–',
        waitsFor: `you: ${job.currentStep ? `${job.currentStep} was cut off` : 'the build was cut off'}`,
        startsAtMs: null,
        needsPerson: true,
      }),
    );
  return [...queued, ...stopped];
}

export interface RunningRow {
  readonly job: JobSummary;
  readonly stage: StageName;
  readonly words: string;
  /** Who does it, where it is one worker. */
  readonly workerName: string | null;
  readonly startedAtMs: number | null;
  readonly etaMs: number | null;
  /** Known share of a stage with parts; a build's comes from its times. */
  readonly progress: number | null;
}

/** What moves after the build: copies to regions, machines that switch. */
function movingOn(row: RepositoryRow): RunningRow | null {
  const live = row.track.find(
    stage => stage.state === 'running' && (stage.stage === 'regions' || stage.stage === 'machines'),
  );
  const job = row.latestJob;
  if (!live || !job) return null;
  const counted = live.total !== null && live.total > 0 ? (live.done ?? 0) / live.total : null;
  const parts = live.total === null ? 'under way' : `${live.done ?? 0} of ${live.total}`;
  return {
    job,
    stage: live.stage,
    words: live.total === null ? parts : `${parts} ${live.stage === 'regions' ? 'verified' : 'switched'}`,
    workerName: null,
    startedAtMs: live.startedAtMs,
    etaMs: null,
    progress: live.progress ?? counted,
  };
}

/** Running builds, then what is on its way to regions and machines. */
export function runningRows(overview: Pick<Overview, 'running' | 'repositories'>): readonly RunningRow[] {
  const building = overview.running.map((job): RunningRow => {
    const track = overview.repositories.find(row => row.latestJob?.id === job.id)?.track ?? [];
    return {
      job,
      stage: track.find(stage => stage.state === 'running')?.stage ?? 'build',
      words: job.currentStep ?? 'starting',
      workerName: job.workerName,
      startedAtMs: job.startedAtMs,
      etaMs: job.etaMs,
      progress: null,
    };
  });
  const known = new Set(building.map(row => row.job.id));
  const moving = overview.repositories.map(movingOn).filter(row => row !== null);
  return [...building, ...moving.filter(row => !known.has(row.job.id))];
}

/** `55 s left`; nothing where no history tells; how late it is past the expected end. */
export function leftWords(etaMs: number | null, nowMs: number): string {
  if (etaMs === null) return '';
  return etaMs <= nowMs ? `${formatDuration(nowMs - etaMs)} over` : `${formatDuration(etaMs - nowMs)} left`;
}
