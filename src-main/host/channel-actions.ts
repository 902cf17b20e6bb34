/** Owns what a person releases, rolls back and decides on a channel; each gives the release as it is then shown. */
import type { Engine } from '../compose.ts';
import type { ReleaseView } from '../contract/views.ts';
import type { ReleaseRecord } from '../database/releases.ts';
import { releaseView } from './views/release-views.ts';
import { takeSnapshot } from './views/snapshot.ts';

interface OfChannel {
  readonly repositoryId: string;
  readonly channel: string;
}

async function shown(
  engine: Engine,
  { repositoryId, channel }: OfChannel,
  release: ReleaseRecord,
): Promise<ReleaseView> {
  const now = await engine.releases.channel(repositoryId, channel);
  return releaseView(engine, await takeSnapshot(engine), now, release);
}

/** Throws `not_found`, `release.*`, `store.*`. */
export async function promote(
  engine: Engine,
  request: OfChannel & { readonly buildId?: string | undefined; readonly reason?: string | undefined },
): Promise<ReleaseView> {
  const channel = await engine.releases.channel(request.repositoryId, request.channel);
  const build = await engine.releases.buildToPromote(request.repositoryId, request.buildId);
  const reason = request.reason ?? null;
  return shown(engine, request, await engine.releases.release({ channel, build, kind: 'promote', reason }));
}

/** Throws `not_found`, `conflict`, `release.*`, `store.*`. */
export async function rollback(
  engine: Engine,
  request: OfChannel & { readonly toSerial?: number | undefined; readonly reason?: string | undefined },
): Promise<ReleaseView> {
  const channel = await engine.releases.channel(request.repositoryId, request.channel);
  return shown(engine, request, await engine.releases.rollback(channel, request.toSerial, request.reason ?? null));
}

/** Throws `not_found`, `conflict`, `store.*`. */
export async function decideMigration(
  engine: Engine,
  request: OfChannel & { readonly verdict: 'resume' | 'skip'; readonly reason: string },
): Promise<ReleaseView> {
  const channel = await engine.releases.channel(request.repositoryId, request.channel);
  return shown(engine, request, await engine.migrations.decide(channel, request.verdict, request.reason));
}
