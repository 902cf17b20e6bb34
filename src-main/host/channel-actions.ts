/** Owns what a person releases, rolls back and decides on a channel; each gives the release as it is then shown. */

import { DomainError } from '../contract/errors.ts';
import type { RolloutRequest } from '../contract/rollout.ts';
import type { MadeRelease, ReleaseView } from '../contract/views/release.ts';
import { findRelease, type ReleaseRecord } from '../database/releases.ts';
import type { Engine } from '../engine.ts';
import { preflight, releaseView } from './views/release-views.ts';
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

/** The build that another channel of the repository runs: the same bytes. Throws `not_found`, `conflict`. */
async function buildOn(
  engine: Engine,
  { repositoryId, buildId }: { readonly repositoryId: string; readonly buildId?: string | undefined },
  from: string,
): Promise<string> {
  if (buildId !== undefined) throw new DomainError('conflict', 'Give a build or a channel to take it from, not both.');
  const { currentReleaseId } = await engine.releases.channel(repositoryId, from);
  const release = currentReleaseId ? await findRelease(engine.db, currentReleaseId) : null;
  if (release) return release.buildId;
  throw new DomainError('not_found', `Nothing was released on ${from} yet.`, { channel: from });
}

/** Throws `not_found`, `release.*`, `store.*`. */
export async function promote(
  engine: Engine,
  request: OfChannel & {
    readonly buildId?: string | undefined;
    readonly fromChannel?: string | undefined;
    readonly reason?: string | undefined;
    readonly force?: boolean | undefined;
    readonly rollout?: RolloutRequest | undefined;
  },
): Promise<ReleaseView> {
  const channel = await engine.releases.channel(request.repositoryId, request.channel);
  const buildId =
    request.fromChannel === undefined ? request.buildId : await buildOn(engine, request, request.fromChannel);
  const build = await engine.releases.buildToPromote(request.repositoryId, buildId);
  const { force = false, reason = null } = request;
  const rollout = request.rollout === undefined ? {} : { rollout: request.rollout };
  return shown(
    engine,
    request,
    await engine.releases.release({ channel, build, kind: 'promote', reason, force, ...rollout }),
  );
}

/** Looks first, and tells what speaks against it; what makes it impossible is thrown: `not_found`, `conflict`, `release.*`, `store.*`. */
export async function rollback(
  engine: Engine,
  request: OfChannel & {
    readonly toSerial?: number | undefined;
    readonly reason?: string | undefined;
    readonly force?: boolean | undefined;
  },
): Promise<MadeRelease> {
  const channel = await engine.releases.channel(request.repositoryId, request.channel);
  const { checks } = await preflight(engine, request);
  const release = await engine.releases.rollback(channel, request.toSerial, request.reason ?? null, request.force);
  return { ...(await shown(engine, request, release)), warnings: checks.filter(({ state }) => state === 'warning') };
}

/** Throws `not_found`, `conflict`, `store.*`. */
export async function decideMigration(
  engine: Engine,
  request: OfChannel & { readonly verdict: 'resume' | 'skip'; readonly reason: string },
): Promise<ReleaseView> {
  const channel = await engine.releases.channel(request.repositoryId, request.channel);
  return shown(engine, request, await engine.migrations.decide(channel, request.verdict, request.reason));
}

/** Throws `not_found`, `conflict`. */
export async function decideRollout(
  engine: Engine,
  request: OfChannel & { readonly verdict: 'continue' | 'stop'; readonly reason: string },
): Promise<ReleaseView> {
  const channel = await engine.releases.channel(request.repositoryId, request.channel);
  return shown(engine, request, await engine.rollouts.decide(channel, request.verdict, request.reason));
}
