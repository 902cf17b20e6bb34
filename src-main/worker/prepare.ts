/** Owns the phases before the plan's own steps: checkout, plan, tool chain. */
import { readdir } from 'node:fs/promises';
import { DomainError } from '../contract/errors.ts';
import type { Plan } from '../contract/plan.ts';
import { listJobs } from '../database/jobs.ts';
import { sourceOptionsOf } from '../database/repositories.ts';
import type { Mirror } from '../sources/mirror.ts';
import { openSource } from '../sources/source.ts';
import { planInThread } from '../toolchains/plan-in-thread.ts';
import { noTools, type ResolvedTools, resolveTools } from '../toolchains/resolve-tools.ts';
import { type AttemptRun, asStep, type BuildRun } from './attempt-run.ts';
import { type BuildIsolation, isolateBuild } from './isolate.ts';

export const preparationSteps = [
  { position: 0, name: 'Check out', phase: 'checkout' },
  { position: 1, name: 'Plan', phase: 'plan' },
  { position: 2, name: 'Tool chain', phase: 'toolchain' },
] as const;

function mirrorOf(run: AttemptRun): Mirror {
  return openSource({
    ...run.repository,
    options: sourceOptionsOf(run.repository),
    folder: run.folder.mirror(run.claimed.job.repositoryId),
    gitPath: run.gitPath,
    logger: run.logger,
    access: run.access,
  });
}

/** What differs between the job's revision and the last one that was built; null where there is none to compare with. */
export async function changedSinceLastBuild(run: AttemptRun): Promise<readonly string[] | null> {
  const { job } = run.claimed;
  const [last] = await listJobs(run.db, { repositoryId: job.repositoryId, status: 'succeeded', limit: 1 });
  if (last === undefined) return null;
  try {
    return await mirrorOf(run).changedPaths(last.revision, job.revision);
  } catch (error) {
    // A mirror made anew may lack the old revision: then nothing is known, and every step runs.
    if (error instanceof DomainError && error.code === 'git.revision_missing') return null;
    throw error;
  }
}

/** The digest of the sources, whichever commit they are of. The checkout must have been made. */
export async function treeIdOf(run: AttemptRun): Promise<string> {
  return (await mirrorOf(run).readCommit(run.claimed.job.revision)).treeId;
}

/** Puts the revision's files into `target`. */
export async function checkOut(run: AttemptRun, target: string): Promise<void> {
  const { job } = run.claimed;
  await asStep(run, preparationSteps[0], async () => {
    const mirror = mirrorOf(run);
    await mirror.fetch({
      branch: run.repository.branch,
      revision: job.revision,
      pinRef: `refs/slipway/${job.revision}`,
      signal: run.signal,
    });
    const { via } = await mirror.checkout({ revision: job.revision, targetFolder: target, signal: run.signal });
    const top = await readdir(target);
    return {
      result: undefined,
      detail: `${job.revision.slice(0, 10)} by ${via}, ${top.length} ${top.length === 1 ? 'entry' : 'entries'} at the top`,
    };
  });
}

/** Decides what to run. Nothing of the repository is executed. */
export async function makePlan(run: BuildRun, source: string): Promise<Plan> {
  return asStep(run, preparationSteps[1], async () => {
    const plan = await planInThread(source);
    for (const { file, line, reason } of plan.evidence)
      await run.log.note(`${file}${line ? `:${line}` : ''}: ${reason}`);
    const files = [...new Set(plan.evidence.map(evidence => evidence.file))].slice(0, 3).join(', ');
    return {
      result: plan,
      detail: `${plan.steps.length} ${plan.steps.length === 1 ? 'step' : 'steps'} for ${plan.tool}${files ? `, from ${files}` : ''}`,
    };
  });
}

/**
 * Decides what the steps run under, and finds every tool that the plan needs, before anything runs.
 * Throws `toolchain.missing`, `toolchain.version`, `isolation.*`, `step.disk`.
 */
export async function prepareTools(
  run: BuildRun,
  plan: Plan,
): Promise<{ readonly isolation: BuildIsolation; readonly tools: ResolvedTools }> {
  return asStep(run, preparationSteps[2], async () => {
    const isolation = await isolateBuild(run, plan);
    const { image } = isolation.used;
    // What is installed here is not what a container runs.
    if (image !== null) {
      return { result: { isolation, tools: noTools }, detail: `those of the image ${image}` };
    }
    const tools = await resolveTools(plan.requirements, process.env.PATH ?? '');
    const names = tools.tools.map(tool => `${tool.name} ${tool.version}`);
    for (const tool of tools.tools) await run.log.note(`${tool.name} ${tool.version} at ${tool.path}`);
    for (const { text, isWarning } of tools.remarks) await (isWarning ? run.log.problem(text) : run.log.note(text));
    const warnings = tools.remarks.filter(({ isWarning }) => isWarning).map(({ text }) => text);
    const parts = [names.length > 0 ? names.join(', ') : 'none needed', ...warnings];
    return { result: { isolation, tools }, detail: parts.join('; ') };
  });
}
