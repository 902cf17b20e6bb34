/** Owns what the tray says of the engine: pure rules from status to icon and words. */
import type { EngineStatus } from '../../contract/views/engine.ts';
import type { RepositoryRow } from '../../contract/views/repository.ts';
import type { SwarmView } from '../../contract/views/swarm.ts';
import { formatSize } from '../format-size.ts';

export type TrayIcon = 'idle' | 'building' | 'seeding' | 'failing';

export interface TrayState {
  readonly icon: TrayIcon;
  readonly tooltip: string;
  readonly buildsPaused: boolean;
  readonly seedingPaused: boolean;
  /** Repositories that fail, for the badge. */
  readonly failing: number;
  readonly building: number;
}

export interface TrayFacts {
  readonly status: Pick<EngineStatus, 'problems'> & {
    readonly workers: Pick<EngineStatus['workers'], 'busy' | 'paused'>;
  };
  readonly repositories: readonly Pick<RepositoryRow, 'name' | 'state'>[];
  readonly swarm: Pick<SwarmView, 'paused' | 'heldBy' | 'uploadBytesPerSecond'>;
}

/** Windows cuts a tooltip at 127 characters. Source: NOTIFYICONDATAW.szTip */
const maxTooltip = 127;

/** Failing comes first, as in the interface: a build in progress must not hide that something is broken. */
export function trayState({ status, repositories, swarm }: TrayFacts): TrayState {
  const failing = repositories.filter(({ state }) => state === 'failed');
  const { busy, paused } = status.workers;
  const [first] = failing;
  const words: string[] = [];
  if (first)
    words.push(failing.length === 1 ? `${first.name} is failing` : `${failing.length} repositories are failing`);
  const [problem] = status.problems;
  if (problem) words.push(problem.message);
  if (busy > 0) words.push(`building ${busy}`);
  if (paused) words.push('builds paused');
  if (swarm.uploadBytesPerSecond > 0) words.push(`seeding ${formatSize(swarm.uploadBytesPerSecond)}/s`);
  if (swarm.paused) words.push('seeding paused');
  else if (swarm.heldBy)
    words.push(swarm.heldBy === 'battery' ? 'not seeding on battery' : 'not seeding while metered');
  if (words.length === 0) words.push('idle');
  const tooltip = `Slipway: ${words.join(', ')}`;
  const active = busy > 0 ? 'building' : swarm.uploadBytesPerSecond > 0 ? 'seeding' : 'idle';
  return {
    icon: failing.length > 0 || problem ? 'failing' : active,
    tooltip: tooltip.length > maxTooltip ? `${tooltip.slice(0, maxTooltip - 1)}…` : tooltip,
    buildsPaused: paused,
    seedingPaused: swarm.paused,
    failing: failing.length,
    building: busy,
  };
}
