/** Owns the commands that lead to objects: every repository and job. */
import type { JobSummary } from '../../src-main/contract/views/job.ts';
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
