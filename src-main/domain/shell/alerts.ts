/** Owns which events the system's notifications tell of: the first failure of something and its recovery, each once. */
import type { EngineEvent } from '../../contract/events.ts';

export interface Alert {
  readonly title: string;
  readonly body: string;
  /** The view that a click opens. */
  readonly hash: string;
  /** A command of that view, run when it is there: to the line that failed. */
  readonly thenRun: string | null;
}

export interface AlertRules {
  /** The alert of an event; null for what is in good order, or was told already. */
  alertOf(event: EngineEvent, nameOf: (repositoryId: string) => string): Alert | null;
}

const text = (value: unknown, otherwise: string): string =>
  typeof value === 'string' && value !== '' ? value : otherwise;

/** `failing` holds the repositories that fail already when the app starts: they were told before. */
export function createAlertRules(failing: Iterable<string> = []): AlertRules {
  const known = new Set([...failing].map(id => `build ${id}`));

  /** True once per failure, until it has recovered. */
  const begins = (subject: string): boolean => {
    if (known.has(subject)) return false;
    known.add(subject);
    return true;
  };

  return {
    alertOf(event, nameOf) {
      const { repositoryId, jobId, subjectId, data } = event;
      const name = repositoryId === null ? 'Slipway' : nameOf(repositoryId);
      const home = repositoryId === null ? '#/overview' : `#/repositories/${repositoryId}`;
      switch (event.type) {
        case 'job.finished': {
          const subject = `build ${repositoryId}`;
          const hash = jobId === null ? home : `#/jobs/${jobId}`;
          if (data.status === 'failed' && begins(subject)) {
            return { title: `${name}: the build failed`, body: text(data.error, ''), hash, thenRun: 'log.firstError' };
          }
          if (data.status === 'succeeded' && known.delete(subject)) {
            return { title: `${name}: builds again`, body: 'The newest build succeeded.', hash, thenRun: null };
          }
          if (data.status === 'interrupted') {
            return {
              title: `${name}: a build needs you`,
              body: 'It was cut off in a step that runs once.',
              hash,
              thenRun: null,
            };
          }
          return null;
        }
        case 'poll.failed':
          return begins(`poll ${repositoryId}`)
            ? { title: `${name} cannot be read`, body: text(data.message, ''), hash: home, thenRun: null }
            : null;
        case 'poll.recovered':
          return known.delete(`poll ${repositoryId}`)
            ? { title: `${name} can be read again`, body: '', hash: home, thenRun: null }
            : null;
        case 'machine.failed':
          return begins(`machine ${subjectId}`)
            ? {
                title: `${text(data.name, 'A machine')} could not run a release`,
                body: name,
                hash: '#/machines',
                thenRun: null,
              }
            : null;
        case 'machine.switched':
          return known.delete(`machine ${subjectId}`)
            ? {
                title: `${text(data.name, 'A machine')} runs a release again`,
                body: name,
                hash: '#/machines',
                thenRun: null,
              }
            : null;
        case 'worker.lost':
          return {
            title: 'A worker was lost',
            body: jobId === null ? 'Another one takes its place.' : 'Its job goes on with another one.',
            hash: jobId === null ? '#/jobs' : `#/jobs/${jobId}`,
            thenRun: null,
          };
        case 'swarm.lost':
          return data.again === true
            ? null
            : {
                title: 'The seeding process was lost',
                body: 'Another one takes its place. Machines fetch from the stores meanwhile.',
                hash: '#/swarm',
                thenRun: null,
              };
        default:
          return null;
      }
    },
  };
}
