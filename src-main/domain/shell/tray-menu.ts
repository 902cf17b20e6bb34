/** Owns what the tray's menu offers: pure rules from what was read to items, each with what it does. */
import type { JobSummary } from '../../contract/views/job.ts';

export type TrayAction =
  | { readonly do: 'open' }
  | { readonly do: 'job'; readonly jobId: string }
  | { readonly do: 'builds'; readonly mode: 'running' | 'paused' }
  | { readonly do: 'pause-seeding'; readonly until: 'hour' | 'tomorrow' }
  | { readonly do: 'resume-seeding' }
  | { readonly do: 'quit' };

export interface TrayItem {
  readonly label: string;
  readonly action: TrayAction;
}

export interface TrayMenuFacts {
  readonly jobs: readonly Pick<JobSummary, 'id' | 'number' | 'repositoryName' | 'status'>[];
  readonly buildsPaused: boolean;
  readonly seedingPaused: boolean;
}

const marks = { queued: '…', running: '▶', succeeded: '✓', failed: '✗', cancelled: '–', interrupted: '!' } as const;

/** The items in groups that a line separates; no group is empty. */
export function trayMenu({ jobs, buildsPaused, seedingPaused }: TrayMenuFacts): readonly (readonly TrayItem[])[] {
  const results = jobs.map(
    ({ id, number, repositoryName, status }): TrayItem => ({
      label: `${marks[status]} ${repositoryName}, job ${number}: ${status}`,
      action: { do: 'job', jobId: id },
    }),
  );
  const builds: TrayItem = {
    label: buildsPaused ? 'Resume builds' : 'Pause builds',
    action: { do: 'builds', mode: buildsPaused ? 'running' : 'paused' },
  };
  const seeding: readonly TrayItem[] = seedingPaused
    ? [{ label: 'Resume seeding', action: { do: 'resume-seeding' } }]
    : [
        { label: 'Pause seeding for an hour', action: { do: 'pause-seeding', until: 'hour' } },
        { label: 'Pause seeding until tomorrow', action: { do: 'pause-seeding', until: 'tomorrow' } },
      ];
  const groups: readonly (readonly TrayItem[])[] = [
    [{ label: 'Open Slipway', action: { do: 'open' } }],
    results,
    [builds, ...seeding],
    [{ label: 'Quit', action: { do: 'quit' } }],
  ];
  return groups.filter(group => group.length > 0);
}
