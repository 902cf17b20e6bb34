/** Owns what other tools take of a job or a repository as a document: JUnit and badges. */
import { DomainError } from '../../contract/errors.ts';
import type { TestCase } from '../../contract/test-results.ts';
import { listSteps } from '../../database/attempts.ts';
import { findBuild } from '../../database/builds.ts';
import { listJobs } from '../../database/jobs.ts';
import { findChannel, findRelease } from '../../database/releases.ts';
import { findRepository } from '../../database/repositories.ts';
import type { Engine } from '../../engine.ts';
import { type BadgeTone, badgeSvg } from '../../interchange/badge.ts';
import { junitDocument } from '../../interchange/junit-document.ts';
import { mustFindJob } from './job-views.ts';
import { readTests } from './test-view.ts';

const testsAtOnce = 5_000;

/** Throws `not_found`. */
export async function jobJunit(
  engine: Engine,
  { id, attempt: chosen }: { readonly id: string; readonly attempt?: number | undefined },
): Promise<{ readonly document: string }> {
  const job = await mustFindJob(engine, id);
  const attempt = chosen ?? job.attempt;
  const repository = await findRepository(engine.db, job.repositoryId);
  const { testList, testSummary } = engine.folder;
  const files = { list: testList(job.id, attempt), summary: testSummary(job.id, attempt) };
  const tests: TestCase[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const page: Awaited<ReturnType<typeof readTests>> = await readTests(files, { after, limit: testsAtOnce });
    tests.push(...page.tests);
    after = page.next;
  }
  const steps = await listSteps(engine.db, job.id, attempt);
  return { document: junitDocument(`${repository?.name ?? 'job'} #${job.number}`, steps, tests) };
}

const jobBadges: Readonly<Record<string, readonly [string, BadgeTone]>> = {
  succeeded: ['passing', 'good'],
  failed: ['failing', 'bad'],
  interrupted: ['interrupted', 'bad'],
  cancelled: ['cancelled', 'none'],
  running: ['building', 'busy'],
  queued: ['waiting', 'busy'],
};

/** Of the newest job, or of what a channel runs. Throws `not_found`. */
export async function repositoryBadge(
  engine: Engine,
  { id, channel: named }: { readonly id: string; readonly channel?: string | undefined },
): Promise<{ readonly svg: string }> {
  const repository = await findRepository(engine.db, id);
  if (!repository || repository.removedAt !== null) {
    throw new DomainError('not_found', `There is no repository ${id}.`, { id });
  }
  if (named === undefined) {
    const [latest] = await listJobs(engine.db, { repositoryId: id, limit: 1 });
    const [message, tone] = (latest && jobBadges[latest.status]) ?? ['no build', 'none'];
    return { svg: badgeSvg(repository.name, message, tone) };
  }
  const channel = await findChannel(engine.db, id, named);
  if (!channel) throw new DomainError('not_found', `${repository.name} has no channel "${named}".`, { channel: named });
  const release = channel.currentReleaseId ? await findRelease(engine.db, channel.currentReleaseId) : null;
  const build = release ? await findBuild(engine.db, release.buildId) : null;
  const message = release && build ? `${release.serial} · ${build.revision.slice(0, 7)}` : 'not released';
  return { svg: badgeSvg(`${repository.name} ${named}`, message, release ? 'good' : 'none') };
}
