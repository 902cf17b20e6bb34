/** Owns what disk use and a plan to reclaim say in words. Knows no component. */
import type { DiskKind, DiskUse, ReclaimPlan, ReclaimResult } from '../../../src-main/contract/disk.ts';
import type { VisualState } from '../../../src-main/contract/views/state.ts';
import { formatBytes, plural, shortSha } from '../../ui/format.ts';

/** Short names of the kinds. */
export const kindNames: Readonly<Record<DiskKind, string>> = {
  packs: 'Packs',
  deltas: 'Delta packs',
  documents: 'Lists, torrents, records',
  logs: 'Job logs',
  mirrors: 'Mirrors',
  caches: 'Build caches',
  homes: 'Build homes',
  work: 'Work folders',
  database: 'Database',
  engineLog: 'Engine log',
};

/** Kinds that take something, the largest first. */
export function kindsBySize({ kinds }: Pick<DiskUse, 'kinds'>): DiskUse['kinds'] {
  return kinds.filter(({ sizeBytes }) => sizeBytes > 0).sort((a, b) => b.sizeBytes - a.sizeBytes);
}

/** How much room the disk has, and whether builds start; null where the platform does not say. */
export function roomOf({
  freeBytes,
  totalBytes,
  keepFreeBytes,
}: Pick<DiskUse, 'freeBytes' | 'totalBytes' | 'keepFreeBytes'>): {
  readonly state: VisualState;
  readonly text: string;
} | null {
  if (freeBytes === null || totalBytes === null) return null;
  const free = `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} free`;
  if (freeBytes < keepFreeBytes)
    return { state: 'failed', text: `${free}: builds do not start below ${formatBytes(keepFreeBytes)}` };
  // Where a build that fills the disk would soon end.
  const isTight = freeBytes < 5 * keepFreeBytes;
  return { state: isTight ? 'stale' : 'verified', text: `${free}; builds leave ${formatBytes(keepFreeBytes)}` };
}

const shareWords = ({ packs, sizeBytes }: { readonly packs: number; readonly sizeBytes: number }) =>
  packs === 0 ? '–' : `${packs} · ${formatBytes(sizeBytes)}`;

/** The cells of a repository's row after its name. */
export function shareCells(row: DiskUse['repositories'][number]): readonly string[] {
  return [row.pinned, row.kept, row.reclaimable, row.deltas].map(shareWords);
}

/** `timetable #12 9f3c2e1, 38 MiB` */
export function packWords(pack: ReclaimPlan['reclaim'][number]): string {
  const job = pack.jobNumber === null ? '' : ` #${pack.jobNumber}`;
  const revision = pack.revision === null ? '' : ` ${shortSha(pack.revision)}`;
  const delta = pack.kind === 'delta' ? ' delta' : '';
  return `${pack.repositoryName}${job}${revision}${delta}, ${formatBytes(pack.sizeBytes)}`;
}

/** Whether there is anything to do. */
export function hasWork({ reclaim, logs, waiting }: ReclaimPlan): boolean {
  return reclaim.length > 0 || logs.jobs > 0 || waiting.length > 0;
}

/** What was done, and what is done later. */
export function resultWords(result: ReclaimResult): readonly string[] {
  const later = result.stores.flatMap(store => {
    if (store.error !== null) return [`${store.name}: done later. ${store.error.message}`];
    return store.stillNamed === 0 ? [] : [`${store.name}: ${plural(store.stillNamed, 'pack')} still named there`];
  });
  return [`${formatBytes(result.sizeBytes)} reclaimed on this machine.`, ...later];
}
