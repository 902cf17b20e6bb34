/** Owns `slipway plan`: what a build of a folder would do, with the reason for each part. Runs nothing of it. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Evidence, Plan } from '../contract/plan.ts';
import { formatSize } from '../domain/format-size.ts';
import { planFor } from '../toolchains/plan.ts';
import { type OutputOptions, plain, print, table } from './output.ts';

export function addPlanCommand(program: Command): void {
  program
    .command('plan <path>')
    .description('what would be built and why; nothing is run')
    .action(async (path: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<OutputOptions>();
      const plan = await planFor(resolve(path));
      const steps = plan.steps.map(step => [step.phase, step.name, step.run, step.evidence.map(place).join('; ')]);
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
        ...plan.migrations.map(({ run }) => `Migration, left to the activation: ${run}`),
        ...plan.roots.map(({ path: folder, tool }) => `Another project: ${folder} (${tool})`),
        ...(other === undefined ? [] : [`To take one of them, write it in slipway.yml: root: ${other.path}`]),
      ];
      print(plan, options, `${facts.map(plain).join('\n')}\n${table(['PHASE', 'STEP', 'COMMAND', 'WHY'], steps)}`);
    });
}

function place({ file, line, reason }: Evidence): string {
  return `${file}${line ? `:${line}` : ''}: ${reason}`;
}

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
