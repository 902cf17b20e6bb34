/** Owns `slipway plan`: what a build of a folder would do, with the reason for each part. Runs nothing of it. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Evidence, Plan, PlanStep } from '../contract/plan.ts';
import { formatSize } from '../domain/format-size.ts';
import { planFor } from '../toolchains/plan.ts';
import { defaultStepTimeoutMs } from '../toolchains/project-tree.ts';
import { type OutputOptions, plain, print, table } from './output.ts';

export function addPlanCommand(program: Command): void {
  program
    .command('plan <path>')
    .description('what would be built and why; nothing is run')
    .action(async (path: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<OutputOptions>();
      const plan = await planFor(resolve(path));
      const steps = plan.steps.map(step => [
        step.phase,
        step.name,
        onOneLine(step.run),
        step.evidence.map(place).join('; '),
      ]);
      const [other] = plan.roots;
      const facts = [
        ...(plan.root === '.' ? [] : [`Project in ${plan.root}: steps, artifact and start command are below it.`]),
        `Tool: ${plan.tool}. Artifact: ${plan.artifact.include.join(', ')}. Start: ${plan.start ?? 'none'}.`,
        ...plan.evidence.map(place),
        ...plan.requirements.map(
          ({ program, version, evidence }) =>
            `Needs ${program}${version === null ? '' : ` ${version}`}: ${place(evidence)}`,
        ),
        describePlanned(plan),
        ...describeInputs(plan),
        ...plan.steps.flatMap(describeStep),
        ...plan.migrations.map(({ run }) => `Migration, left to the activation: ${onOneLine(run)}`),
        ...plan.roots.map(({ path: folder, tool }) => `Another project: ${folder} (${tool})`),
        ...(other === undefined ? [] : [`To take one of them, write it in slipway.yml: root: ${other.path}`]),
      ];
      print(plan, options, `${facts.map(plain).join('\n')}\n${table(['PHASE', 'STEP', 'COMMAND', 'WHY'], steps)}`);
    });
}

function place({ file, line, reason }: Evidence): string {
  return `${file}${line ? `:${line}` : ''}: ${reason}`;
}

const onOneLine = (run: string) => run.trim().split(/\r?\n/).join(' ↵ ');

/** What the steps get, by name, and what is kept for the next build. A value may be long, and is in the file and in --json. */
function describeInputs({ env, secrets, caches, reusesResults, health, activation }: Plan): string[] {
  const names = Object.keys(env);
  const kept = caches.map(
    ({ name, paths, variable, keyFiles }) =>
      `${name} (${variable ?? paths.join(', ')}, keyed by ${keyFiles?.join(', ') ?? 'every lock file'})`,
  );
  return [
    ...(names.length > 0 ? [`Variables: ${names.join(', ')}.`] : []),
    ...(secrets.length > 0 ? [`Secrets: ${secrets.join(', ')}.`] : []),
    ...(kept.length > 0 ? [`Caches: ${kept.join('; ')}.`] : []),
    ...(reusesResults ? [] : ['Results of earlier builds are not used.']),
    ...(health === null ? [] : [`Health: ${health.http ?? health.tcp ?? onOneLine(health.command ?? '')}`]),
    ...(activation === undefined ? [] : [`Activation: ${describeActivation(activation)}`]),
  ];
}

function describeActivation({ mode, hook, shared }: NonNullable<Plan['activation']>): string {
  const hookWords =
    hook === null
      ? []
      : [hook.kind === 'command' ? onOneLine(hook.command) : hook.kind === 'unit' ? hook.unit : `SIG${hook.signal}`];
  return [mode, ...hookWords, ...(shared.length > 0 ? [`shared ${shared.join(', ')}`] : [])].join('; ');
}

/** What a step says of itself beside its command; nothing where all is as usual. */
function describeStep({ name, env, timeoutMs, retry, when, idempotent }: PlanStep): string[] {
  const variables = Object.entries(env).map(([variable, value]) => `${variable}=${value}`);
  const said = [
    ...(when?.branches ? [`only on ${when.branches.join(', ')}`] : []),
    ...(when?.paths ? [`only when ${when.paths.join(', ')} changed`] : []),
    ...(retry ? [`again ${retry.times} × at most${describeStatuses(retry.exitStatuses)}`] : []),
    ...(timeoutMs === defaultStepTimeoutMs ? [] : [`ended after ${timeoutMs / 1_000} s`]),
    ...(idempotent ? [] : ['never repeated without asking']),
    ...(variables.length > 0 ? [`with ${variables.join(', ')}`] : []),
  ];
  return said.length > 0 ? [`Step ${name}: ${said.join('; ')}.`] : [];
}

const describeStatuses = (statuses: readonly number[] | null) =>
  statuses === null ? '' : ` (exit ${statuses.join(', ')})`;

/** What a plan asks for; what it comes to depends on the machine and on what its owner chose. */
function describePlanned({ isolation, limits = {} }: Plan): string {
  const words = isolation
    ? [isolation.level, isolation.image, isolation.network ? null : 'no network']
    : ["the installation's default"];
  const { memoryBytes, cpus, diskBytes, processes } = limits;
  const asked = [
    memoryBytes && `memory ${formatSize(memoryBytes)}`,
    cpus && `${cpus} processors`,
    diskBytes && `disk ${formatSize(diskBytes)}`,
    processes && `${processes} processes`,
  ].filter(part => part !== undefined);
  return `Isolation: ${words.filter(word => word !== null).join(', ')}. Limits: ${asked.join(', ') || "the installation's"}.`;
}
