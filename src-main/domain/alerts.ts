/** Owns which events a person is told of by the system: the first failure of something and its recovery, each once, and what waits for a person. */
import type { Alert, AlertKind } from '../contract/alerts.ts';
import type { EngineEvent } from '../contract/events.ts';

/** An alert whose title lacks the repository's name. */
export type News = Omit<Alert, 'title'> & { readonly what: string };

export interface AlertRules {
  /** The news of an event; null for what is none, or was told already. To be asked once of each event, in order. */
  newsOf(event: EngineEvent): News | null;
}

/** What fails already when the engine starts: it was told before, and only its recovery is news. */
export interface AlreadyFailing {
  /** Ids of repositories whose newest finished job failed. */
  readonly builds: Iterable<string>;
  /** Ids of repositories that could not be read. */
  readonly polls: Iterable<string>;
}

const text = (value: unknown, otherwise = ''): string =>
  typeof value === 'string' && value !== '' ? value : otherwise;

const make = (kind: AlertKind, what: string, body: string, hash: string, thenRun: string | null = null): News => ({
  kind,
  what,
  body,
  hash,
  thenRun,
});

export function createAlertRules({ builds, polls }: AlreadyFailing = { builds: [], polls: [] }): AlertRules {
  const known = new Set([...[...builds].map(id => `build ${id}`), ...[...polls].map(id => `poll ${id}`)]);

  /** The news once per failure, until it has recovered. */
  const begins = (subject: string, news: News): News | null => {
    if (known.has(subject)) return null;
    known.add(subject);
    return news;
  };
  /** The news if the failure was told. */
  const ends = (subject: string, news: News): News | null => (known.delete(subject) ? news : null);

  return {
    newsOf({ type, repositoryId, jobId, subjectId, data }) {
      const home = repositoryId === null ? '#/overview' : `#/repositories/${repositoryId}`;
      const job = jobId === null ? home : `#/jobs/${jobId}`;
      const machine = text(data.name, 'A machine');
      const place = `release ${String(data.serial)} on ${text(data.channel, 'a channel')}`;
      switch (type) {
        case 'job.finished': {
          const subject = `build ${repositoryId}`;
          if (data.status === 'failed') {
            return begins(subject, make('failed', 'the build failed', text(data.error), job, 'log.firstError'));
          }
          if (data.status === 'succeeded') {
            return ends(subject, make('recovered', 'builds again', 'The newest build succeeded.', job));
          }
          return data.status === 'interrupted'
            ? make('attention', 'a build needs you', 'It was cut off in a step that runs once.', job)
            : null;
        }
        case 'poll.failed':
          return begins(`poll ${repositoryId}`, make('failed', 'its source cannot be read', text(data.message), home));
        case 'poll.recovered':
          return ends(`poll ${repositoryId}`, make('recovered', 'its source can be read again', '', home));
        case 'machine.failed':
          return begins(
            `machine ${subjectId}`,
            make('failed', `${machine} could not run a release`, place, '#/machines'),
          );
        case 'machine.switched':
          return ends(
            `machine ${subjectId}`,
            make('recovered', `${machine} runs a release again`, place, '#/machines'),
          );
        case 'release.created': {
          const how = data.kind === 'rollback' ? 'It was rolled back.' : 'Machines fetch it now.';
          return make('deployed', place, how, home);
        }
        case 'release.migration': {
          if (data.state !== 'failed' && data.state !== 'interrupted') return null;
          return make('attention', 'a migration needs you', text(data.message, `It is of ${place}.`), home);
        }
        case 'release.rollout': {
          if (data.state !== 'stopped') return null;
          return make('attention', 'a rollout needs you', text(data.message, `It is of ${place}.`), home);
        }
        case 'worker.lost': {
          const goesOn = data.status === 'queued' ? 'Its job goes on with another one.' : 'Its job has ended.';
          return jobId === null
            ? make('failed', 'a worker was lost', 'Another one takes its place.', '#/jobs')
            : make('failed', 'a worker was lost', goesOn, job);
        }
        case 'swarm.lost': {
          const body = 'Another one takes its place. Machines fetch from the stores meanwhile.';
          return data.again === true ? null : make('failed', 'the seeding process was lost', body, '#/swarm');
        }
        default:
          return null;
      }
    },
  };
}
