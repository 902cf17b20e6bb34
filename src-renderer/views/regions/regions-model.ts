/** Owns what the regions view says of one artifact in every region: states, words, order, counts. Pure; times come in. */
import type { ErrorCode, ErrorView } from '../../../src-main/contract/errors.ts';
import type { RegionView, ReplicationView, ReplicaView } from '../../../src-main/contract/views/region.ts';
import type { VisualState } from '../../../src-main/contract/views/state.ts';
import {
  formatAhead,
  formatBytes,
  formatClock,
  formatDuration,
  formatPercent,
  formatRate,
  shortSha,
} from '../../ui/format.ts';

export type ArtifactView = ReplicationView['artifacts'][number];

export interface RegionRow {
  readonly id: string;
  readonly name: string;
  /** `europe-west3 · Folder`. */
  readonly place: string;
  readonly isMain: boolean;
  readonly latitude: number;
  readonly longitude: number;
  readonly look: VisualState;
  /** `copying 42 %`. */
  readonly word: string;
  /** One quiet line: time left, when it tries again, when it was verified. */
  readonly detail: string;
  readonly lag: string;
  readonly bytes: string;
  readonly rate: string;
  /** Share copied while a copy is in flight; null otherwise. */
  readonly progress: number | null;
}

const order: readonly VisualState[] = ['failed', 'stale', 'running', 'pending', 'verified'];

/** The regions for one artifact: the main store first, then worst first. Null: no artifact yet, only the places. */
export function regionRows(regions: readonly RegionView[], artifact: ArtifactView | null, nowMs: number): RegionRow[] {
  const rows = regions.map(region => {
    const replica = artifact?.replicas.find(one => one.regionId === region.id) ?? null;
    return region.isMain ? mainRow(region, artifact) : regionRow(region, artifact, replica, nowMs);
  });
  return rows.sort(
    (a, b) =>
      Number(b.isMain) - Number(a.isMain) ||
      order.indexOf(a.look) - order.indexOf(b.look) ||
      a.name.localeCompare(b.name, 'en'),
  );
}

function placeOf(region: RegionView) {
  return {
    id: region.id,
    name: region.name,
    place: [region.location, region.provider].filter(Boolean).join(' · '),
    isMain: region.isMain,
    latitude: region.latitude,
    longitude: region.longitude,
  };
}

function mainRow(region: RegionView, artifact: ArtifactView | null): RegionRow {
  return {
    ...placeOf(region),
    look: region.state === 'failed' || region.state === 'stale' ? region.state : 'verified',
    word: 'main store',
    detail: artifact ? formatClock(artifact.createdAtMs) : '',
    lag: '',
    bytes: artifact ? formatBytes(artifact.sizeBytes) : formatBytes(region.bytesStored),
    rate: '',
    progress: null,
  };
}

function regionRow(
  region: RegionView,
  artifact: ArtifactView | null,
  replica: ReplicaView | null,
  nowMs: number,
): RegionRow {
  const place = placeOf(region);
  if (!replica) {
    return {
      ...place,
      look: artifact ? 'pending' : region.state,
      // Every wanted copy has its row as soon as the artifact is stored: without one, no policy wants it here.
      word: region.paused ? 'paused' : artifact ? 'not kept' : regionWord(region),
      detail: '',
      lag: '',
      bytes: artifact ? formatBytes(0) : formatBytes(region.bytesStored),
      rate: '',
      progress: null,
    };
  }
  const share = replica.bytesTotal > 0 ? Math.min(1, replica.bytesDone / replica.bytesTotal) : 0;
  return {
    ...place,
    look: replicaLook(replica),
    word: replica.status === 'copying' ? `copying ${formatPercent(share)}` : replica.status,
    detail: replicaDetail(region, replica, nowMs),
    lag: replica.status === 'verified' ? 'none' : formatDuration(replica.lagMs),
    bytes: formatBytes(replica.status === 'verified' ? replica.bytesTotal : replica.bytesDone),
    rate: replica.status === 'copying' && replica.bytesPerSecond ? formatRate(replica.bytesPerSecond) : '',
    progress: replica.status === 'copying' ? share : null,
  };
}

/** The visual state of a replica. */
export function replicaLook(replica: Pick<ReplicaView, 'status'>): VisualState {
  return replica.status === 'copying' ? 'running' : replica.status;
}

function replicaDetail(region: RegionView, replica: ReplicaView, nowMs: number): string {
  switch (replica.status) {
    case 'verified':
      return replica.verifiedAtMs === null ? '' : formatClock(replica.verifiedAtMs);
    case 'copying': {
      const left = replica.bytesTotal - replica.bytesDone;
      return replica.bytesPerSecond ? `${formatDuration((left / replica.bytesPerSecond) * 1_000)} left` : '';
    }
    case 'failed':
      return replica.nextAttemptAtMs === null
        ? (replica.error && shortCause(replica.error.code)) || ''
        : `tries again ${formatAhead(replica.nextAttemptAtMs, nowMs)}`;
    case 'stale':
    case 'pending':
      if (region.paused) return 'paused';
      return replica.nextAttemptAtMs === null ? '' : `starts ${formatAhead(replica.nextAttemptAtMs, nowMs)}`;
  }
}

const causes: Partial<Record<ErrorCode, string>> = {
  'store.unreachable': 'cannot be reached',
  'store.forbidden': 'access denied',
  'store.full': 'store is full',
  'store.not_found': 'nothing there',
  'artifact.digest_mismatch': 'damaged copy',
};

function shortCause(code: ErrorCode): string {
  return causes[code] ?? code;
}

/** The state of a region as a whole, in a word. */
export function regionWord(region: Pick<RegionView, 'state' | 'paused' | 'behind'>): string {
  if (region.paused) return 'paused';
  switch (region.state) {
    case 'failed':
      return 'failed';
    case 'stale':
      return 'stale';
    case 'running':
      return 'copying';
    case 'pending':
      return 'pending';
    case 'verified':
      return 'verified';
  }
}

const remedies: Partial<Record<ErrorCode, string>> = {
  'store.unreachable': 'Slipway goes on trying. Check that the store is up and that this machine reaches it.',
  'store.forbidden':
    'Allow this engine to write there, then retry. By itself it tries less and less often, in the end every four hours, since the refusal would be the same.',
  'store.full': 'Make room in the store. The copy goes on by itself.',
  'store.not_found':
    'Something that should be there is gone: in the store, or the pack in the main store. Put it back, then retry.',
  'store.malformed': 'Something in the store is not what Slipway wrote. Verify the region, then retry.',
  'artifact.digest_mismatch':
    'A copy did not match its digest and was not kept. It is made again; the main store is looked at, too.',
};

/** What a reader can do about an error of a region; null where the message says it all. */
export function remedyFor(error: Pick<ErrorView, 'code'>): string | null {
  return remedies[error.code] ?? null;
}

export interface LegendEntry {
  readonly look: VisualState;
  readonly word: string;
  readonly count: number;
}

const legendWords: Record<VisualState, string> = {
  failed: 'failed',
  stale: 'stale',
  running: 'copying',
  pending: 'pending',
  verified: 'verified',
};

/** How many regions are in which state; the main store is not counted. */
export function legend(rows: readonly RegionRow[]): LegendEntry[] {
  return order
    .map(look => ({
      look,
      word: legendWords[look],
      count: rows.filter(row => !row.isMain && row.look === look).length,
    }))
    .filter(entry => entry.count > 0);
}

/** `2 copies in flight, 46.5 MiB/s together`; null without any. */
export function flightWords(artifacts: readonly ArtifactView[]): string | null {
  const copying = artifacts.flatMap(artifact => artifact.replicas).filter(replica => replica.status === 'copying');
  if (copying.length === 0) return null;
  const rate = copying.reduce((sum, replica) => sum + (replica.bytesPerSecond ?? 0), 0);
  const copies = copying.length === 1 ? '1 copy in flight' : `${copying.length} copies in flight`;
  return rate > 0 ? `${copies}, ${formatRate(rate)}${copying.length > 1 ? ' together' : ''}` : copies;
}

/** Short column heads, unlike each other: `fra`, `tok`, `sa2`. Same order as the names. */
export function regionCodes(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map(name => {
    const letters = name
      .normalize('NFD')
      .toLowerCase()
      .replace(/[^a-z0-9]/g, '');
    const base = (letters || 'r').slice(0, 3);
    let code = base;
    for (let number = 2; taken.has(code); number++) code = `${base.slice(0, 2)}${number}`;
    taken.add(code);
    return code;
  });
}

/** The picker's entry of an artifact. */
export function artifactOption(artifact: ArtifactView): { value: string; label: string; detail: string } {
  return {
    value: artifact.id,
    label: artifact.repositoryName,
    detail: `${shortSha(artifact.revision.revision)}  ${artifact.revision.subject}`,
  };
}

/** The region to show first: the worst one, else the first after the main store. */
export function firstChoice(rows: readonly RegionRow[]): string | null {
  return (rows.find(row => !row.isMain) ?? rows[0])?.id ?? null;
}
