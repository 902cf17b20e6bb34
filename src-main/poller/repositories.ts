/** Owns how a repository comes and goes: looked at before it is added, added, built on request, removed. */
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { v7 as uuidv7 } from 'uuid';
import { DomainError, type ErrorView, messageOf } from '../contract/errors.ts';
import type { Plan } from '../contract/plan.ts';
import { type SourceOptions, sourceOptionsSchema, type Vcs } from '../contract/source-options.ts';
import type { ChannelPolicy } from '../contract/views/release.ts';
import type { QueueSettings, RepositoryInspection } from '../contract/views/repository.ts';
import { deleteAlertSwitches } from '../database/alert-switches.ts';
import { deleteBuildEnvironment } from '../database/build-environment.ts';
import { deleteChannelEnvironments } from '../database/channel-environment.ts';
import { appendEvent } from '../database/events.ts';
import { type JobRecord, listQueuedJobs, listRunningJobs } from '../database/jobs.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import { insertChannel } from '../database/releases.ts';
import {
  branchStateOf,
  findRepository,
  findRepositoryBySource,
  insertRepository,
  type RepositoryRecord,
  type SourceOf,
  sourceOptionsOf,
  updateRepository,
} from '../database/repositories.ts';
import { unseenBranch } from '../domain/branch-state.ts';
import type { Clock } from '../domain/clock.ts';
import type { DataFolder } from '../domain/data-folder.ts';
import { clearHomes } from '../queue/build-homes.ts';
import { clearCaches } from '../queue/cache-space.ts';
import { cancelJob, enqueueRevision } from '../queue/enqueue.ts';
import { branchMissing } from '../sources/git-errors.ts';
import type { Mirror } from '../sources/mirror.ts';
import type { RemoteAccess } from '../sources/remote-access.ts';
import { createSampleRepository } from '../sources/sample-repository.ts';
import { listSource, lookAtSource, type SourceLocation } from '../sources/source.ts';
import { planInThread } from '../toolchains/plan-in-thread.ts';
import { appendBranchChange } from './note-branch.ts';
import type { Poller } from './poller.ts';

/** A person waits for the answer. */
const inspectTimeoutMs = 20_000;
/** Every repository has it from the beginning; nothing goes live on it before a person promotes. */
const firstChannel = 'production';

export interface AddRepository {
  readonly url: string;
  readonly name?: string | undefined;
  readonly branch?: string | undefined;
  /** Left out: found out. */
  readonly vcs?: Vcs | undefined;
  readonly source?: SourceChange | undefined;
}

/** Where it allows undefined, the value stays. */
export type SourceChange = { readonly [Name in keyof SourceOptions]?: SourceOptions[Name] | undefined };

/** Where it allows undefined, the value stays. */
export type ChangeQueue = { readonly [Name in keyof QueueSettings]?: QueueSettings[Name] | undefined };

export interface Repositories {
  /** Branches and plan of a source, before anything is saved. Throws `git.*`. */
  inspect(request: AddRepository): Promise<RepositoryInspection>;
  /** Throws `git.*`; `conflict` when the same branch of the same URL is watched already. */
  add(request: AddRepository): Promise<RepositoryRecord>;
  addSample(): Promise<RepositoryRecord>;
  /** Cancels its jobs, also the one that runs, which ends at its worker's next checkup. Throws `not_found`. */
  remove(id: string): Promise<void>;
  /**
   * Runs the steps, whatever is known of the revision; without what earlier builds have cached where `cache` is false, and with
   * `priority` before the jobs of other repositories. Throws `not_found`, `conflict`, `git.*`.
   */
  buildNow(id: string, options?: { readonly cache?: boolean; readonly priority?: boolean }): Promise<JobRecord>;
  /** What is left out stays as it is. Throws `not_found`. */
  setQueue(id: string, change: ChangeQueue): Promise<void>;
  /** What is left out stays as it is. Throws `not_found`, `input.invalid` for what its version control does not have. */
  setSource(id: string, change: SourceChange): Promise<void>;
  /**
   * Watches another branch from now on, and looks at it; what is queued of the old one is still built. May be repeated. Throws `not_found`,
   * `git.*`, `conflict` when that branch of the same URL is watched already.
   */
  setBranch(id: string, branch: string): Promise<void>;
  /** How often it is looked at, in milliseconds; null for the installation's. Throws `not_found`. */
  setPollInterval(id: string, intervalMs: number | null): Promise<void>;
}

const notFound = (id: string) => new DomainError('not_found', `There is no repository ${id}.`, { id });

const defined = (change: SourceChange) =>
  Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));

/** Throws `input.invalid` for a choice that would never be heard. */
function assertFitting(vcs: Vcs, { tags, submodules, lfs, externals }: SourceChange): void {
  const words = vcs === 'svn' ? 'Subversion' : 'Git';
  const foreign = vcs === 'svn' ? { tags: tags ?? false, submodules, lfs } : { externals };
  const wrong = Object.entries(foreign).find(([, value]) => value !== undefined && value !== false);
  if (wrong === undefined) return;
  throw new DomainError('input.invalid', `A repository of ${words} has no choice "${wrong[0]}".`, { field: wrong[0] });
}

export function createRepositories(options: {
  readonly db: Db;
  readonly clock: Clock;
  readonly folder: DataFolder;
  readonly sampleSource: string;
  readonly poller: Poller;
  /** How private repositories are opened. */
  readonly access?: RemoteAccess;
  readonly mirrorOf: (repository: SourceOf) => Mirror;
  readonly onChanged: () => void;
}): Repositories {
  const { db, clock, folder, mirrorOf } = options;

  async function look({ url: input, name, branch, vcs }: AddRepository) {
    const { location, refs } = await lookAtSource(input, {
      vcs,
      timeoutMs: inspectTimeoutMs,
      ...(options.access === undefined ? {} : { access: options.access }),
    });
    const chosen = branch ?? refs.defaultBranch ?? refs.branches[0]?.name;
    const head = refs.branches.find(candidate => candidate.name === chosen);
    if (!head) throw branchMissing(location.url, chosen ?? 'HEAD');
    return { location, refs, head, name: name ?? location.name };
  }

  async function planOf(
    { url, vcs }: SourceLocation,
    branch: string,
    revision: string,
    source: SourceChange = {},
  ): Promise<Plan> {
    const id = `inspect-${uuidv7()}`;
    const target = folder.workOf(id, 1);
    await mkdir(folder.work, { recursive: true });
    const mirror = mirrorOf({ id, url, vcs, branch, sourceOptions: JSON.stringify(source) });
    try {
      await mirror.fetch({ branch, revision });
      await mirror.checkout({ revision, targetFolder: target });
      return await planInThread(target);
    } finally {
      await rm(target, { recursive: true, force: true });
      await rm(folder.mirror(id), { recursive: true, force: true });
    }
  }

  async function save(request: AddRepository, policy: ChannelPolicy): Promise<RepositoryRecord> {
    const { location, head, name } = await look(request);
    assertFitting(location.vcs, request.source ?? {});
    const now = clock();
    const id = uuidv7();
    await inTransaction(db, async transaction => {
      await assertUnwatched(transaction, location.url, head.name);
      await insertRepository(transaction, {
        id,
        name,
        vcs: location.vcs,
        url: location.url,
        branch: head.name,
        sourceOptions: request.source === undefined ? null : JSON.stringify(request.source),
        nextPollAt: now,
        pollFailures: 0,
        addedAt: now,
      });
      await insertChannel(transaction, { id: uuidv7(), repositoryId: id, name: firstChannel, policy });
      await appendEvent(transaction, { type: 'repository.added', at: now, repositoryId: id, data: { name } });
    });
    options.onChanged();
    await options.poller.pollNow(id);
    return mustFind(id);
  }

  /** Throws `conflict`. */
  async function assertUnwatched(transaction: Db, url: string, branch: string): Promise<void> {
    const known = await findRepositoryBySource(transaction, url, branch);
    if (known === null) return;
    throw new DomainError('conflict', `${url} is watched already on ${branch}, as "${known.name}".`, {
      repositoryId: known.id,
    });
  }

  async function mustFindIn(connection: Db, id: string): Promise<RepositoryRecord> {
    const repository = await findRepository(connection, id);
    if (!repository) throw notFound(id);
    return repository;
  }
  const mustFind = (id: string) => mustFindIn(db, id);

  return {
    async inspect(request) {
      const { location, refs, head, name } = await look(request);
      let plan: Plan | null = null;
      let planError: ErrorView | null = null;
      try {
        plan = await planOf(location, head.name, head.revision, request.source);
      } catch (error) {
        planError =
          error instanceof DomainError ? error.toView() : new DomainError('internal', messageOf(error)).toView();
      }
      return {
        url: location.url,
        vcs: location.vcs,
        name,
        defaultBranch: refs.defaultBranch,
        branches: refs.branches.map(branch => ({ name: branch.name, revision: branch.revision })),
        plan,
        planError,
      };
    },
    add: request => save(request, 'manual'),
    async addSample() {
      const sample = `${folder.sample}/harbour-board`;
      // Added, removed and added again: the repository that a person may have committed to stays as it is.
      if (!existsSync(`${sample}/.git`)) await createSampleRepository({ from: options.sampleSource, folder: sample });
      return save({ url: sample, name: 'harbour-board' }, 'auto');
    },
    async remove(id) {
      await inTransaction(db, async transaction => {
        await mustFindIn(transaction, id);
        const now = clock();
        const running = (await listRunningJobs(transaction)).filter(job => job.repositoryId === id);
        // Also what a worker runs: it would publish for nobody, and keep a cache that no build reads again.
        for (const job of [...(await listQueuedJobs(transaction, id)), ...running]) {
          await cancelJob(transaction, job.id, now);
        }
        await updateRepository(transaction, id, { removedAt: now });
        await deleteBuildEnvironment(transaction, id);
        await deleteChannelEnvironments(transaction, id);
        await deleteAlertSwitches(transaction, id);
        await appendEvent(transaction, { type: 'repository.removed', at: now, repositoryId: id });
      });
      options.onChanged();
      await rm(folder.mirror(id), { recursive: true, force: true });
      await clearCaches(db, folder, id);
      await clearHomes(db, folder, id);
    },
    async setQueue(id, { concurrency, supersede, retryLimit }) {
      await inTransaction(db, async transaction => {
        await mustFindIn(transaction, id);
        const change = {
          ...(concurrency === undefined ? {} : { concurrency }),
          ...(supersede === undefined ? {} : { supersede: supersede ? (1 as const) : (0 as const) }),
          ...(retryLimit === undefined ? {} : { retryLimit }),
        };
        if (Object.keys(change).length === 0) return;
        await updateRepository(transaction, id, change);
        await appendEvent(transaction, {
          type: 'repository.changed',
          at: clock(),
          repositoryId: id,
          data: { queue: { concurrency, supersede, retryLimit } },
        });
      });
      // A wider cap may let a waiting job begin.
      options.onChanged();
    },
    async setSource(id, change) {
      await inTransaction(db, async transaction => {
        const repository = await mustFindIn(transaction, id);
        assertFitting(repository.vcs, change);
        const next = sourceOptionsSchema.parse({ ...sourceOptionsOf(repository), ...defined(change) });
        await updateRepository(transaction, id, { sourceOptions: JSON.stringify(next) });
        await appendEvent(transaction, {
          type: 'repository.changed',
          at: clock(),
          repositoryId: id,
          data: { source: next },
        });
      });
      options.onChanged();
    },
    async setBranch(id, branch) {
      const { vcs, url, branch: from } = await mustFind(id);
      if (from === branch) return;
      const access = options.access === undefined ? {} : { access: options.access };
      const refs = await listSource(vcs, { url, branch, timeoutMs: inspectTimeoutMs, ...access });
      if (!refs.branches.some(({ name }) => name === branch)) throw branchMissing(url, branch);
      await inTransaction(db, async transaction => {
        await assertUnwatched(transaction, url, branch);
        const { defaultBranch } = branchStateOf(await mustFindIn(transaction, id));
        const fresh = { ...unseenBranch, defaultBranch: refs.defaultBranch ?? defaultBranch, isFresh: true };
        await updateRepository(transaction, id, { branch, branchState: JSON.stringify(fresh) });
        await appendBranchChange(transaction, id, { change: 'chosen', branch, from }, clock());
      });
      options.onChanged();
      await options.poller.pollNow(id);
    },
    async setPollInterval(id, intervalMs) {
      await inTransaction(db, async transaction => {
        await mustFindIn(transaction, id);
        await updateRepository(transaction, id, { pollIntervalMs: intervalMs });
        await appendEvent(transaction, {
          type: 'repository.changed',
          at: clock(),
          repositoryId: id,
          data: { pollIntervalMs: intervalMs },
        });
      });
      options.onChanged();
    },
    async buildNow(id, { cache = true, priority = false } = {}) {
      if ((await mustFind(id)).currentRevision === null) await options.poller.pollNow(id);
      const repository = await mustFind(id);
      const revision = repository.currentRevision;
      if (revision === null) {
        throw new DomainError(
          'conflict',
          `No revision of ${repository.name} has been seen yet${repository.pollError ? `: ${JSON.parse(repository.pollError).message}` : '.'}`,
        );
      }
      const commit = await mirrorOf(repository).readCommit(revision);
      const job = await enqueueRevision(db, {
        repositoryId: id,
        revision: {
          revision,
          subject: commit.subject,
          authorName: commit.authorName,
          committedAtMs: commit.committedAtMs,
        },
        trigger: 'manual',
        withoutCache: !cache,
        priority,
        seenAtMs: clock(),
        now: clock(),
      });
      if (!job) throw new DomainError('internal', 'A manual job was not queued.');
      options.onChanged();
      return job;
    },
  };
}
