/** Owns the channel policy `auto`: a new build becomes current by itself only when it is a step forward. */
import { DomainError } from '../contract/errors.ts';
import { type BuildWithPack, findBuild, findNewestBuild } from '../database/builds.ts';
import { appendEvent, listEvents } from '../database/events.ts';
import type { Db } from '../database/open-database.ts';
import { type ChannelRecord, findRelease, listChannels, wasReleased } from '../database/releases.ts';
import type { Clock } from '../domain/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ReleaseService } from './release-service.ts';

/** A person does not change a channel more often than this within the milliseconds of a decision. */
const maxChanges = 3;

export interface AutoRelease {
  /** Releases the build on every channel of its repository that follows the branch. May be repeated. Throws `data.busy`. */
  consider(build: BuildWithPack): Promise<void>;
  /** Considers the newest build of every repository, or of one: what a stopped engine or a held channel left undone. */
  considerAll(repositoryId?: string): Promise<void>;
}

export function createAutoRelease(options: {
  readonly db: Db;
  readonly releases: ReleaseService;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether `ancestor` is an ancestor of `descendant`, or the same. */
  readonly isAncestor: (repositoryId: string, ancestor: string, descendant: string) => Promise<boolean>;
}): AutoRelease {
  const { db, releases, clock, logger } = options;

  async function considerChannel(channel: ChannelRecord, build: BuildWithPack): Promise<void> {
    const current = channel.currentReleaseId ? await findRelease(db, channel.currentReleaseId) : null;
    const running = current ? await findBuild(db, current.buildId) : null;
    if (running?.id === build.id) return;
    // Of one revision the later job's build counts. Never by their times: a clock that was set back would hold up every release.
    const isSameRevision = running?.revision === build.revision;
    if (isSameRevision && (running.artifactId === build.artifactId || running.jobNumber > build.jobNumber)) return;
    if (running && !(await options.isAncestor(channel.repositoryId, running.revision, build.revision))) {
      await refuse(
        channel,
        build,
        new DomainError(
          'release.not_descendant',
          `${build.revision.slice(0, 10)} does not descend from ${running.revision.slice(0, 10)}, which ${channel.name} runs. Promote it by hand if it should go live.`,
        ),
      );
      return;
    }
    await releases.release({ channel, build, kind: 'auto', reason: null });
  }

  async function refuse(channel: ChannelRecord, build: BuildWithPack, error: DomainError): Promise<void> {
    const already = (await listEvents(db, { after: 0, limit: 1_000, jobId: build.jobId })).some(
      event => event.type === 'release.refused' && event.subjectId === channel.id,
    );
    if (already) return;
    await appendEvent(db, {
      type: 'release.refused',
      at: clock(),
      repositoryId: channel.repositoryId,
      jobId: build.jobId,
      subjectId: channel.id,
      data: { channel: channel.name, code: error.code, message: error.message },
    });
  }

  /** Decides on the channel as it is now, and once more where a person changed it meanwhile. */
  async function decide(channelId: string, build: BuildWithPack, triesLeft: number): Promise<void> {
    const channel = (await listChannels(db, build.repositoryId)).find(candidate => candidate.id === channelId);
    if (channel?.policy !== 'auto') return;
    // Once live is enough: a channel that was rolled back from it, and resumed, must not get it again.
    if (await wasReleased(db, channel.id, build.id)) return;
    if (channel.pausedReason !== null) {
      const message = `${channel.name} is held: ${channel.pausedReason}. Resume it to go on.`;
      await refuse(channel, build, new DomainError('release.paused', message));
      return;
    }
    try {
      await considerChannel(channel, build);
    } catch (error) {
      const hasMoved = error instanceof DomainError && error.code === 'conflict';
      if (!hasMoved || triesLeft === 0) throw error;
      await decide(channelId, build, triesLeft - 1);
    }
  }

  async function consider(build: BuildWithPack): Promise<void> {
    for (const channel of await listChannels(db, build.repositoryId)) {
      try {
        await decide(channel.id, build, maxChanges);
      } catch (error) {
        // No decision: it is to be made when the database lets go.
        if (error instanceof DomainError && error.code === 'data.busy') throw error;
        // It is considered again when the migration has ended.
        if (error instanceof DomainError && error.code === 'release.migrating') continue;
        logger.error('release.auto_failed', { channel: channel.name, buildId: build.id, error });
        const shown =
          error instanceof DomainError ? error : new DomainError('internal', 'The release failed; see the log.');
        await refuse(channel, build, shown);
      }
    }
  }

  return {
    consider,
    async considerAll(only) {
      const repositories = new Set((await listChannels(db, only)).map(channel => channel.repositoryId));
      for (const repositoryId of repositories) {
        const newest = await findNewestBuild(db, repositoryId);
        if (newest) await consider(newest);
      }
    },
  };
}
