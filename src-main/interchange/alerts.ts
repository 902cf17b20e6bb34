/** Owns what the engine tells a person at once: it hears each event, asks the repository's switches, and raises an alert that every interface hears. */
import type { Alert, AlertSwitches } from '../contract/alerts.ts';
import { DomainError } from '../contract/errors.ts';
import type { EngineEvent } from '../contract/events.ts';
import { readAlertSwitches, writeAlertSwitches } from '../database/alert-switches.ts';
import type { EventFeed } from '../database/event-feed.ts';
import { appendEvent } from '../database/events.ts';
import { findJob, listJobs, listNewestJobs } from '../database/jobs.ts';
import { errorFromJson } from '../database/json-column.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import { findRepository, listRepositories } from '../database/repositories.ts';
import { createAlertRules, type News } from '../domain/alerts.ts';
import type { Clock } from '../domain/clock.ts';
import { createFollowUps } from '../releases/follow-up.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface Alerts {
  /** What fails already is known to have been told. To be called before the feed starts. */
  start(): Promise<void>;
  /** May be repeated. */
  stop(): Promise<void>;
  /** What is left out stays as it is. Throws `not_found`. */
  setSwitches(
    repositoryId: string,
    change: { readonly [Kind in keyof AlertSwitches]?: boolean | undefined },
  ): Promise<void>;
}

/** How far back the newest finished job is looked for while others wait. */
const jobsLookedAt = 20;

export function createAlerts(options: {
  readonly db: Db;
  readonly feed: Pick<EventFeed, 'onEvent' | 'nudge'>;
  readonly clock: Clock;
  readonly logger: Logger;
}): Alerts {
  const { db, feed, clock } = options;
  const followUps = createFollowUps(options.logger);

  async function failingBuilds(): Promise<string[]> {
    const failing = await Promise.all(
      (await listNewestJobs(db)).map(async newest => {
        const { repositoryId } = newest;
        const isOver = newest.status !== 'queued' && newest.status !== 'running';
        const jobs = isOver ? [newest] : await listJobs(db, { repositoryId, limit: jobsLookedAt });
        const last = jobs.find(({ status }) => status === 'failed' || status === 'succeeded');
        return last?.status === 'failed' ? [repositoryId] : [];
      }),
    );
    return failing.flat();
  }

  async function raise({ type, repositoryId, jobId }: EngineEvent, { what, ...news }: News): Promise<void> {
    const repository = repositoryId === null ? null : await findRepository(db, repositoryId);
    if (repositoryId !== null) {
      // A drill has no repository that anybody watches.
      if (repository === null) return;
      if (!(await readAlertSwitches(db))(repositoryId)[news.kind]) return;
    }
    // An event names a job's error by its code; the job itself has the words.
    const job = type === 'job.finished' && news.kind === 'failed' && jobId !== null ? await findJob(db, jobId) : null;
    const body = errorFromJson(job?.error ?? null)?.message ?? news.body;
    const alert: Alert = { ...news, title: `${repository?.name ?? 'Slipway'}: ${what}`, body };
    await appendEvent(db, {
      type: 'alert.raised',
      at: clock(),
      ...(repositoryId === null ? {} : { repositoryId }),
      ...(jobId === null ? {} : { jobId }),
      data: alert,
    });
    feed.nudge();
  }

  return {
    async start() {
      const unread = (await listRepositories(db)).filter(({ pollError }) => pollError !== null);
      const rules = createAlertRules({ builds: await failingBuilds(), polls: unread.map(({ id }) => id) });
      feed.onEvent(event => {
        const news = rules.newsOf(event);
        if (news) followUps.add('alert.not_raised', () => raise(event, news));
      });
    },
    stop: followUps.stop,
    async setSwitches(repositoryId, change) {
      await inTransaction(db, async transaction => {
        if (!(await findRepository(transaction, repositoryId))) {
          throw new DomainError('not_found', `There is no repository ${repositoryId}.`, { id: repositoryId });
        }
        const before = (await readAlertSwitches(transaction))(repositoryId);
        const alerts = {
          failed: change.failed ?? before.failed,
          recovered: change.recovered ?? before.recovered,
          deployed: change.deployed ?? before.deployed,
          attention: change.attention ?? before.attention,
        };
        await writeAlertSwitches(transaction, repositoryId, alerts);
        await appendEvent(transaction, {
          type: 'repository.changed',
          at: clock(),
          repositoryId,
          data: { alerts },
        });
      });
      feed.nudge();
    },
  };
}
