/** Owns giving the packs on this machine's disk to others, after a start. */
import { readFile, stat } from 'node:fs/promises';
import { messageOf } from '../contract/errors.ts';
import { parseMetainfo } from '../swarm/metainfo.ts';
import type { SwarmClient } from '../swarm/swarm-client.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { AgentFolder } from './agent-folder.ts';
import type { Installed } from './agent-state.ts';

/** Seeds those of `packs` whose pack and torrent lie here whole. Nothing of it is an error. */
export async function seedKept(options: {
  readonly folder: AgentFolder;
  readonly swarm: SwarmClient;
  readonly packs: readonly Installed[];
  readonly logger: Logger;
}): Promise<void> {
  const { folder, swarm, packs, logger } = options;
  for (const { packDigest, infoHash } of packs) {
    try {
      const torrent = await readFile(folder.torrent(packDigest));
      const { sizeBytes } = parseMetainfo(torrent, infoHash);
      if ((await stat(folder.pack(packDigest))).size !== sizeBytes) continue;
      // Its digest was checked when it came; whoever fetches it checks each piece again.
      await swarm.seed({ torrent, folder: folder.packs, verified: true });
    } catch (error) {
      logger.debug('agent.pack_not_seeded', { packDigest, reason: messageOf(error) });
    }
  }
}
