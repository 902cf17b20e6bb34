/** Owns the commands that lead to objects: every repository, job, region and machine. */
import type { JobSummary } from '../../src-main/contract/views/job.ts';
import type { MachineView } from '../../src-main/contract/views/machine.ts';
import type { RegionView } from '../../src-main/contract/views/region.ts';
import type { RepositoryRow } from '../../src-main/contract/views/repository.ts';
import { client } from '../client/client.ts';
import { jobWords } from '../state/job-words.ts';
import { navigate } from '../state/route.ts';
import { shortSha } from '../ui/format.ts';
import type { Command } from './command.ts';
import { start } from './registry.ts';

const always = () => true;

/** Opens each repository, builds it, looks at its source. */
export function repositoryCommands(rows: readonly RepositoryRow[]): readonly Command[] {
  const open = rows.map(
    (row): Command => ({
      id: `repository.show.${row.id}`,
      title: row.name,
      detail: `${row.branch} · ${row.stateText}`,
      group: 'Repositories',
      shortcut: null,
      isEnabled: always,
      run: () => navigate({ view: 'repository', repositoryId: row.id }),
    }),
  );
  const build = rows.map(
    (row): Command => ({
      id: `repository.build.${row.id}`,
      title: `Build ${row.name} now`,
      group: 'Repositories',
      shortcut: null,
      isEnabled: always,
      run: start(async () => {
        const job = await client.repositories.buildNow({ id: row.id, priority: true });
        navigate({ view: 'job', jobId: job.id });
      }),
    }),
  );
  const look = rows.map(
    (row): Command => ({
      id: `repository.poll.${row.id}`,
      title: `Look for new revisions of ${row.name}`,
      group: 'Repositories',
      shortcut: null,
      isEnabled: always,
      run: start(() => client.repositories.pollNow({ id: row.id })),
    }),
  );
  return [...open, ...build, ...look];
}

/** Opens each job. */
export function jobCommands(jobs: readonly JobSummary[]): readonly Command[] {
  return jobs.map(job => ({
    id: `job.show.${job.id}`,
    title: `Job ${job.number}  ${job.repositoryName}`,
    detail: `${shortSha(job.revision.revision)} ${job.revision.subject} · ${jobWords(job)}`,
    group: 'Jobs',
    shortcut: null,
    isEnabled: always,
    run: () => navigate({ view: 'job', jobId: job.id }),
  }));
}

/** Shows the regions, each with what a person can do to it at once. */
export function regionCommands(regions: readonly RegionView[]): readonly Command[] {
  return regions.flatMap(({ id, name, location, isMain, paused }) => {
    const show: Command = {
      id: `region.show.${id}`,
      title: name,
      detail: location,
      group: 'Regions',
      shortcut: null,
      isEnabled: always,
      run: () => navigate({ view: 'regions' }),
    };
    if (isMain) return [show];
    const pause: Command = {
      id: `region.pause.${id}`,
      title: paused ? `Resume copies to ${name}` : `Pause copies to ${name}`,
      group: 'Regions',
      shortcut: null,
      isEnabled: always,
      run: start(() => client.regions.setPaused({ id, paused: !paused })),
    };
    return [show, pause];
  });
}

/** Shows the machines. */
export function machineCommands(machines: readonly MachineView[]): readonly Command[] {
  return machines.map(({ id, name, repositoryName, channel, phase }) => ({
    id: `machine.show.${id}`,
    title: name,
    detail: `${repositoryName} ${channel} · ${phase}`,
    group: 'Machines',
    shortcut: null,
    isEnabled: always,
    run: () => navigate({ view: 'machines' }),
  }));
}
