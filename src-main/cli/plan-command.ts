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
      const steps = plan.steps.map(step => [step.phase, step.run, step.evidence.map(place).join('; ')]);
      const facts = [
        `Tool: ${plan.tool}. Artifact: ${plan.artifact.include.join(', ')}. Start: ${plan.start ?? 'none'}.`,
        ...plan.evidence.map(place),
        ...plan.migrations.map(({ run }) => `Migration, not run by the build: ${run}`),
        ...plan.roots.map(({ path: folder, tool }) => `Another project: ${folder} (${tool})`),
      ];
      print(plan, options, `${facts.map(plain).join('\n')}\n${table(['PHASE', 'COMMAND', 'WHY'], steps)}`);
    });
}

function place({ file, line, reason }: Evidence): string {
  return `${file}${line ? `:${line}` : ''}: ${reason}`;
}
