/** Owns the caches of one build: their keys, putting them back before the steps, and keeping them after a build that succeeded. A cache never fails a build. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, realpath, rm } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { copyTree, measureTree } from '../artifacts/copy-tree.ts';
import { messageOf, systemErrorCode } from '../contract/errors.ts';
import type { Plan, PlanCache } from '../contract/plan.ts';
import { type CacheRecord, listReadyCaches, touchCache } from '../database/caches.ts';
import { formatSize } from '../domain/format-size.ts';
import { finishCache, removeCache, reserveCache } from '../queue/cache-space.ts';
import { lockFiles } from '../toolchains/caches.ts';
import { type AttemptRun, asStep } from './attempt-run.ts';

/** Below the attempt's folder: what tools keep outside the checkout. */
export const cachesFolder = 'caches';
/** A lock file of a large workspace has a few MiB. */
const maxKeyFileBytes = 64 * 1024 * 1024;
/** Below the folder of a tool's cache: what is copied needs a name. */
const content = 'content';

export interface BuildCache {
  readonly plan: PlanCache;
  readonly key: string;
  /** Where its files are while the build runs; `paths` are below it. */
  readonly root: string;
  readonly paths: readonly string[];
  /** An entry of this very key was put back, so that nothing new is to be kept. */
  readonly isExact: boolean;
}

/** The variables by which tools are told of their folders. */
export function cacheVariables(caches: readonly BuildCache[]): Record<string, string> {
  return Object.fromEntries(
    caches.flatMap(({ plan, root }) => (plan.variable === null ? [] : [[plan.variable, join(root, content)]])),
  );
}

/** Puts back, for every cache of the plan, the entry of its key, or else the newest one of its name. */
export async function restoreCaches(
  run: AttemptRun,
  options: { readonly plan: Plan; readonly source: string; readonly treeId: string; readonly position: number },
): Promise<BuildCache[]> {
  return asStep(run, { position: options.position, name: 'Restore caches' }, async () => {
    const caches: BuildCache[] = [];
    const said: string[] = [];
    for (const plan of options.plan.caches) {
      run.signal.throwIfAborted();
      const { cache, detail } = await restoreOne(run, plan, options);
      // A step finds the folder that its variable names, also the first time.
      if (plan.variable !== null) await mkdir(join(cache.root, content), { recursive: true });
      caches.push(cache);
      said.push(`${plan.name}: ${detail}`);
    }
    return { result: caches, detail: said.join('; ') };
  });
}

async function restoreOne(
  run: AttemptRun,
  plan: PlanCache,
  { source, treeId }: { readonly source: string; readonly treeId: string },
): Promise<{ readonly cache: BuildCache; readonly detail: string }> {
  const isTools = plan.variable !== null;
  const root = isTools ? join(run.workFolder, cachesFolder, plan.name) : source;
  const paths = isTools ? [content] : plan.paths;
  const key = await keyOf(plan, source, treeId);
  const cache = { plan, key, root, paths, isExact: false };
  if (isTools) await mkdir(root, { recursive: true });
  const short = key.slice(0, 12);
  if (run.claimed.job.withoutCache === 1) return { cache, detail: `not asked for, key ${short}` };
  const known = await listReadyCaches(run.db, run.repository.id, plan.name);
  const exact = known.find(one => one.key === key);
  const found = exact ?? known[0];
  if (found === undefined) return { cache, detail: `miss, key ${short}` };
  const startedAt = run.clock();
  const added = await missingOf(root, paths);
  try {
    await touchCache(run.db, found.id, startedAt);
    const { files } = await copyTree({ from: run.folder.cacheOf(found), to: root, paths, ...stopAndProgress(run) });
    const took = `${countOf(files)}, ${formatSize(found.sizeBytes)} in ${run.clock() - startedAt} ms`;
    if (exact !== undefined) return { cache: { ...cache, isExact: true }, detail: `hit, key ${short}, ${took}` };
    return { cache, detail: `base of job #${found.jobNumber}, key ${found.key.slice(0, 12)} for ${short}, ${took}` };
  } catch (error) {
    if (run.signal.aborted) throw error;
    // It was evicted while it was read, or the checkout has a link in its place. Half a folder is worse than none.
    for (const path of added) await rm(join(root, path), { recursive: true, force: true });
    return { cache, detail: `miss, key ${short}; not put back: ${messageOf(error)}` };
  }
}

const countOf = (files: number) => `${files} ${files === 1 ? 'file' : 'files'}`;

function stopAndProgress({
  signal,
  onProgress,
}: AttemptRun): Pick<Parameters<typeof copyTree>[0], 'signal' | 'onProgress'> {
  return { signal, ...(onProgress ? { onProgress } : {}) };
}

/** Of these paths, those where nothing is yet. Never one below a link: such a path is not written to either. */
async function missingOf(root: string, paths: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const path of paths) {
    const error = await lstat(join(root, path)).then(
      () => null,
      (caught: unknown) => systemErrorCode(caught),
    );
    if (error === 'ENOENT') missing.push(path);
  }
  return missing;
}

/**
 * What an entry may be used for as it is: the same content of the key files, kept at the same places, on the same platform. Where there
 * is no key file, the key is the revision's own: every build starts from the newest entry and leaves a new one.
 */
async function keyOf(plan: PlanCache, source: string, treeId: string): Promise<string> {
  const files: [string, string | null][] = [];
  for (const path of plan.keyFiles ?? lockFiles) files.push([path, await digestOf(source, path)]);
  const present = files.filter(([, digest]) => digest !== null);
  const { paths, variable } = plan;
  const facts = { paths, variable, files: present.length > 0 ? present : treeId };
  return createHash('sha256')
    .update(JSON.stringify([1, process.platform, process.arch, facts]))
    .digest('hex');
}

/** Of a regular file of the checkout; null for anything else, and for what a link leads to outside of it. */
async function digestOf(source: string, path: string): Promise<string | null> {
  const file = join(source, path);
  try {
    const facts = await lstat(file);
    if (!facts.isFile() || facts.size > maxKeyFileBytes) return null;
    const root = await realpath(source);
    if (!(await realpath(file)).startsWith(root + sep)) return null;
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(file)) hash.update(chunk);
    return hash.digest('hex');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP'].includes(systemErrorCode(error) ?? '')) return null;
    throw error;
  }
}

/** Keeps what the build left, under the keys that were made of its sources. To be called when everything else has succeeded. */
export async function saveCaches(
  run: AttemptRun,
  options: { readonly caches: readonly BuildCache[]; readonly position: number },
): Promise<void> {
  await asStep(run, { position: options.position, name: 'Save caches' }, async () => {
    const said: string[] = [];
    for (const cache of options.caches) {
      said.push(`${cache.plan.name}: ${await saveOne(run, cache)}`);
    }
    return { result: undefined, detail: said.join('; '), skipped: options.caches.every(({ isExact }) => isExact) };
  });
}

async function saveOne(run: AttemptRun, cache: BuildCache): Promise<string> {
  const short = cache.key.slice(0, 12);
  if (cache.isExact) return `unchanged, key ${short}`;
  let written: CacheRecord | null = null;
  try {
    const { sizeBytes, files } = await measureTree(cache.root, cache.paths, run.signal);
    if (files === 0) return 'nothing to keep';
    const room = await reserveCache(run.db, run.folder, {
      repositoryId: run.repository.id,
      name: cache.plan.name,
      key: cache.key,
      sizeBytes,
      workerId: run.workerId,
      jobNumber: run.claimed.job.number,
      now: run.clock(),
      replaces: run.claimed.job.withoutCache === 1,
    });
    if (room.outcome === 'known') return `kept by another build already, key ${short}`;
    if (room.outcome === 'full') {
      return `not kept: ${formatSize(sizeBytes)} do not fit into the ${formatSize(room.limitBytes)} of all caches`;
    }
    written = room.cache;
    const to = run.folder.cacheOf(written);
    await mkdir(to, { recursive: true, mode: 0o700 });
    await copyTree({
      from: cache.root,
      to,
      paths: cache.paths,
      limitBytes: sizeBytes,
      durable: true,
      ...stopAndProgress(run),
    });
    if (await finishCache(run.db, written)) {
      written = null;
      return `kept, key ${short}, ${countOf(files)}, ${formatSize(sizeBytes)}`;
    }
    return 'not kept: it was removed meanwhile';
  } catch (error) {
    if (run.signal.aborted) throw error;
    return `not kept: ${messageOf(error)}`;
  } finally {
    if (written !== null) await removeCache(run.db, run.folder, written);
  }
}
