/** Owns `slipway plan`: what a build of a folder would do, with the reason for each part. Runs nothing of it. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Evidence } from '../contract/plan.ts';
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
