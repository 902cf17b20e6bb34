/** Owns when an earlier artifact stands for a build: the digest of everything that a build is made of, and whether its bytes are still whole. */
import { createHash, createHmac } from 'node:crypto';
import { storeKeys } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import type { Plan } from '../contract/plan.ts';
import { listSteps } from '../database/attempts.ts';
import { type BuildWithPack, findPack, type PackRecord } from '../database/builds.ts';
import { findResult } from '../database/caches.ts';
import { findJob } from '../database/jobs.ts';
import { version } from '../domain/version.ts';
import { hostPlatform } from '../releases/platform.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import { hostEnvironment } from '../toolchains/step-environment.ts';
import type { AttemptRun } from './attempt-run.ts';
import type { PlannedTree } from './build-tree.ts';
import { holdArtifact } from './hold-artifact.ts';
import { isWhole, type ReusedResult } from './publish.ts';
import { whyLeftOut } from './step-condition.ts';

/** Folders that each attempt has of its own, so that their names say nothing of the build. */
const perMachine = new Set(['TMPDIR', 'TEMP', 'TMP']);

/** Whether a build of this plan can stand for another one: a step that changes something elsewhere is never left out. */
export function isReusable(plan: Plan): boolean {
  return plan.reusesResults && plan.steps.every(step => step.idempotent && step.phase !== 'migrate');
}

/**
 * A poll takes what is known; who asks for a build, or for another attempt, gets one: the network that a step talks to is in no
 * digest.
 */
export function wantsResult({ claimed: { job } }: AttemptRun): boolean {
  return job.trigger !== 'manual' && job.attempt === 1 && job.withoutCache === 0;
}

/**
 * One digest of the sources, the plan, which of its steps run, every variable and secret with its value, the tools with version and path,
 * the platform and how the steps are isolated. Keyed with the master key: a secret cannot be guessed from it.
 */
export async function resultKey(
  run: AttemptRun,
  { plan, environment, tools, isolation }: PlannedTree,
  options: { readonly treeId: string; readonly masterKey: Uint8Array },
): Promise<string> {
  const isLeftOut: boolean[] = [];
  for (const step of plan.steps) isLeftOut.push((await whyLeftOut(step.when, run)) !== null);
  const host = Object.entries(hostEnvironment(process.env)).filter(([name]) => !perMachine.has(name));
  const facts = {
    version,
    repositoryId: run.repository.id,
    treeId: options.treeId,
    plan,
    isLeftOut,
    host: host.sort(byName),
    variables: Object.entries(environment.variables).sort(byName),
    secrets: Object.entries(environment.secrets).sort(byName),
    tools: tools.tools,
    pathEntries: tools.pathEntries,
    platform: hostPlatform(),
    isolation: isolation.used,
  };
  const key = createHmac('sha256', options.masterKey).update('slipway/result-cache/v1').digest();
  return createHmac('sha256', key).update(JSON.stringify(facts)).digest('hex');
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The build of the same key, where all that its artifact needs is read back whole from the main store; else null, and the steps run. */
export async function findReusable(run: AttemptRun, key: string, store: BlobStore): Promise<ReusedResult | null> {
  const build = await findResult(run.db, key, run.repository.id);
  if (build === null || build.reclaimedAt !== null) return null;
  await holdArtifact(run, build);
  const [pack, job] = await Promise.all([findPack(run.db, build.packDigest), findJob(run.db, build.jobId)]);
  // Reclaimed before it was held.
  if (pack === null || job === null || pack.reclaimedAt !== null) return null;
  if (!(await isInStore(store, build, pack, run))) {
    await run.log.note(
      `What job #${job.number} made of the same inputs is no longer whole in the main store; it is built again.`,
    );
    return null;
  }
  const steps = await listSteps(run.db, job.id, build.attempt);
  const own = new Set(['checkout', 'plan', 'toolchain', 'publish']);
  const stepsMs = steps
    .filter(step => !own.has(step.phase))
    .reduce((total, step) => total + Math.max(0, (step.finishedAt ?? 0) - (step.startedAt ?? step.finishedAt ?? 0)), 0);
  return { build, pack, jobNumber: job.number, stepsMs };
}

async function isInStore(store: BlobStore, build: BuildWithPack, pack: PackRecord, run: AttemptRun): Promise<boolean> {
  try {
    if ((await store.head(storeKeys.torrent(pack.digest))) === null) return false;
    const list = createHash('sha256');
    for await (const chunk of await store.get(storeKeys.fileList(build.artifactId), { signal: run.signal }))
      list.update(chunk);
    return list.digest('hex') === build.artifactId && (await isWhole(store, pack, run));
  } catch (error) {
    if (error instanceof DomainError && error.code === 'store.not_found') return false;
    throw error;
  }
}
