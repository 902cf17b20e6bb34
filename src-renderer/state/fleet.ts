/** Owns what the whole fleet looks like: how many repositories are in which state, and the window's title for it. */
import type { JobSummary } from '../../src-main/contract/views/job.ts';
import type { RepositoryRow } from '../../src-main/contract/views/repository.ts';
import type { VisualState } from '../../src-main/contract/views/state.ts';

/** Worst first: the order of the board. */
export const worstFirst: readonly VisualState[] = ['failed', 'stale', 'running', 'pending', 'verified'];

/** What a count of repositories in a state is called. */
export const fleetWords: Record<VisualState, string> = {
  failed: 'failing',
  stale: 'needs you',
  running: 'moving',
  pending: 'waiting',
  verified: 'afloat',
};

const titleShapes: Record<VisualState, string> = { failed: '✕', stale: '▲', running: '◐', pending: '◌', verified: '●' };

export type FleetCounts = Readonly<Record<VisualState, number>>;

export function countStates(rows: readonly Pick<RepositoryRow, 'state'>[]): FleetCounts {
  const counts: Record<VisualState, number> = { failed: 0, stale: 0, running: 0, pending: 0, verified: 0 };
  for (const row of rows) counts[row.state] += 1;
  return counts;
}

/** The worst state that any repository is in; null without repositories. */
export function worstState(counts: FleetCounts): VisualState | null {
  return worstFirst.find(state => counts[state] > 0) ?? null;
}

/** `✕ 3 failing – Slipway`: shape first, readable in a narrow tab. */
export function windowTitle(counts: FleetCounts, online: boolean): string {
  if (!online) return '◌ offline – Slipway';
  const worst = worstState(counts);
  if (worst === null) return 'Slipway';
  if (worst === 'verified') return `${titleShapes.verified} all afloat – Slipway`;
  return `${titleShapes[worst]} ${counts[worst]} ${fleetWords[worst]} – Slipway`;
}

/** When something last happened to a repository, for the order within one state. */
function lastChangeMs(row: RepositoryRow): number {
  const job = row.latestJob;
  return job ? (job.finishedAtMs ?? job.startedAtMs ?? job.queuedAtMs) : row.addedAtMs;
}

/** The rows of the board: worst first, the latest change first among equals. */
export function boardOrder(rows: readonly RepositoryRow[]): readonly RepositoryRow[] {
  return [...rows].sort(
    (left, right) =>
      worstFirst.indexOf(left.state) - worstFirst.indexOf(right.state) ||
      lastChangeMs(right) - lastChangeMs(left) ||
      left.name.localeCompare(right.name),
  );
}

/** The newest jobs that failed or wait for a person, one per repository at most. */
export function troubledJobs(rows: readonly RepositoryRow[]): readonly JobSummary[] {
  return rows
    .map(row => row.latestJob)
    .filter(job => job !== null)
    .filter(job => job.status === 'failed' || job.status === 'interrupted');
}
