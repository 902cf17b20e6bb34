/** Owns what the swarm view says: its state in a sentence, torrents in order, shares of the sources. Pure. */

import type { VisualState } from '../../../src-main/contract/views/state.ts';
import type { SwarmView, TorrentView } from '../../../src-main/contract/views/swarm.ts';
import { formatDateTime, formatPercent, plural } from '../../ui/format.ts';

export interface SwarmSituation {
  readonly look: VisualState;
  readonly words: string;
}

/** How the swarm is. */
export function swarmSituation(swarm: SwarmView): SwarmSituation {
  if (swarm.error) return { look: 'failed', words: 'Not seeding' };
  if (swarm.paused) {
    const until = swarm.pausedUntilMs === null ? '' : ` until ${formatDateTime(swarm.pausedUntilMs)}`;
    return { look: 'pending', words: `Paused${until}: machines fetch from their region’s store` };
  }
  if (swarm.heldBy !== null) {
    const where = swarm.heldBy === 'battery' ? 'on battery' : 'on a metered link';
    return { look: 'pending', words: `Paused ${where}: machines fetch from their region’s store` };
  }
  if (!swarm.running) return { look: 'pending', words: 'Not running' };
  const peers = swarm.torrents.reduce((sum, torrent) => sum + torrent.peers, 0);
  const what = swarm.torrents.length === 0 ? 'Ready to seed' : `Seeding ${plural(swarm.torrents.length, 'pack')}`;
  const whom = peers === 0 ? '' : ` to ${plural(peers, 'peer')}`;
  const where = swarm.port === null ? '' : ` on port ${swarm.port}`;
  const moving = swarm.uploadBytesPerSecond + swarm.downloadBytesPerSecond > 0;
  return { look: moving ? 'running' : 'verified', words: `${what}${whom}${where}` };
}

/** Who may fetch from here. */
export function reachOf({ addresses, port }: Pick<SwarmView, 'addresses' | 'port'>): string {
  if (addresses.length === 0) {
    return 'Only this machine can fetch from here; others use the stores and each other. The setting swarm.listen opens it to the network.';
  }
  const places = addresses.map(address => (port === null ? address : `${address}:${port}`)).join(', ');
  return `Open to the network at ${places}: who reaches this machine and knows a pack can fetch it. The interface and the API are not there.`;
}

/** Torrents, the busiest first, then by what they gave. */
export function torrentsInOrder(torrents: readonly TorrentView[]): TorrentView[] {
  const rate = (torrent: TorrentView) => torrent.uploadBytesPerSecond + torrent.downloadBytesPerSecond;
  return [...torrents].sort(
    (a, b) =>
      rate(b) - rate(a) || b.uploadedBytes - a.uploadedBytes || a.repositoryName.localeCompare(b.repositoryName, 'en'),
  );
}

/** How often a torrent was given away whole: `2.4`; a dash before anything was. */
export function ratioOf(torrent: Pick<TorrentView, 'uploadedBytes' | 'sizeBytes'>): string {
  if (torrent.sizeBytes === 0 || torrent.uploadedBytes === 0) return '–';
  return (torrent.uploadedBytes / torrent.sizeBytes).toFixed(1);
}

/** `68 % of what machines needed never left their region’s store`; null before anything was fetched. */
export function spared(bytes: SwarmView['bytes']): string | null {
  const sum = bytes.peers + bytes.region + bytes.reuse;
  if (sum === 0) return null;
  return `${formatPercent((bytes.peers + bytes.reuse) / sum)} of what the machines needed did not come from a store.`;
}
