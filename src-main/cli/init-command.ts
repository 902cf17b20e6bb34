/** Owns `slipway init`: the detected plan, or a GitHub workflow, becomes the repository's slipway.yml. */
import { lstat, readdir, realpath, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import { pipelineFileNames } from '../contract/pipeline.ts';
import { draftOfWorkflow, type NotCarried } from '../toolchains/github-workflow.ts';
import { pipelineFromText } from '../toolchains/pipeline-plan.ts';
import { pipelineJsonSchema } from '../toolchains/pipeline-schema.ts';
import { detectedFor } from '../toolchains/plan.ts';
import { readBounded } from '../toolchains/read-pipeline.ts';
import { pipelineOfPlan, pipelineText, schemaPath } from '../toolchains/write-pipeline.ts';
import { type OutputOptions, plain, print } from './output.ts';
import { placeFile } from './place-file.ts';

const workflowFolder = '.github/workflows';

type InitOptions = OutputOptions & { readonly force?: boolean; readonly fromGithub?: string | true };

export function addInitCommand(program: Command): void {
  program
    .command('init [path]')
    .description('write the detected plan as slipway.yml')
    .option('--from-github [workflow]', 'take the run steps, env and matrix of a GitHub Actions workflow instead')
    .option('--force', 'write over the pipeline file that is there')
    .action(async (path: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<InitOptions>();
      const result = await init(resolve(path ?? '.'), options);
      const steps = `${result.steps} ${result.steps === 1 ? 'step' : 'steps'}`;
      const missing = result.notCarried.map(({ line, what, why }) => plain(`  line ${line}: ${what}: ${why}`));
      print(
        result,
        options,
        [
          plain(`Wrote ${result.file} with ${steps}, from ${result.from}.`),
          ...(missing.length > 0 ? ['Not carried over:', ...missing] : []),
        ].join('\n'),
      );
    });
}

/** Throws `conflict` where a pipeline file is there, `plan.nothing_detected`, `pipeline.invalid`, `not_found`. */
export async function init(path: string, options: { readonly force?: boolean; readonly fromGithub?: string | true }) {
  const root = await realpath(path).catch(() => path);
  if ((await kindOf(root)) !== 'folder') {
    throw new DomainError('not_found', `There is no folder ${root}; name the root of a repository.`, { path: root });
  }
  const file = await freeName(root, options.force === true);
  let text: string;
  let from: string;
  let notCarried: readonly NotCarried[] = [];
  if (options.fromGithub === undefined) {
    const plan = await detectedFor(root);
    text = pipelineOfPlan(plan);
    from = `what was detected (${plan.tool})`;
  } else {
    from = await workflowOf(root, options.fromGithub);
    const taken = draftOfWorkflow(from, await readBounded(root, from));
    notCarried = taken.notCarried;
    text = pipelineText(taken.draft);
  }
  // What a repository holds becomes part of it: it must read back before it is written.
  const { steps } = pipelineFromText(file, text);
  if ((await kindOf(join(root, '.slipway'))) === 'other') {
    throw new DomainError('conflict', `${join(root, '.slipway')} is no folder; remove it.`, { path: '.slipway' });
  }
  await placeFile(join(root, schemaPath), temporary => writeFile(temporary, pipelineJsonSchema(), { flag: 'wx' }));
  await placeFile(join(root, file), temporary => writeFile(temporary, text, { flag: 'wx' }));
  return { file: join(root, file), schema: join(root, schemaPath), from, steps: steps.length, notCarried };
}

async function kindOf(path: string): Promise<'folder' | 'other' | null> {
  try {
    return (await lstat(path)).isDirectory() ? 'folder' : 'other';
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** The name to write: the one that is there, if it may be written over. */
async function freeName(root: string, force: boolean): Promise<string> {
  const found: string[] = [];
  for (const name of pipelineFileNames) if ((await kindOf(join(root, name))) !== null) found.push(name);
  const [name, second] = found;
  if (name === undefined) return pipelineFileNames[0];
  if (force && second === undefined) return name;
  throw new DomainError(
    'conflict',
    second === undefined
      ? `${join(root, name)} is there already; --force writes over it.`
      : `${root} has both ${name} and ${second}; delete one of the two.`,
    { path: join(root, name) },
  );
}

/** The workflow's path below the root. */
async function workflowOf(root: string, named: string | true): Promise<string> {
  if (named !== true) {
    const path = named.includes('/') ? named.replace(/^\.\//, '') : `${workflowFolder}/${named}`;
    const isInside = !path.split(/[/\\]/).includes('..') && !/^(?:[/\\]|[A-Za-z]:)/.test(path);
    if (isInside && (await kindOf(join(root, path))) !== null) return path;
    throw new DomainError('not_found', `There is no workflow ${named} in ${root}.`, { path: named });
  }
  const names = await readdir(join(root, workflowFolder)).catch(() => []);
  const workflows = names.filter(name => /\.ya?ml$/.test(name)).sort();
  const [only, second] = workflows;
  if (only === undefined) {
    throw new DomainError('not_found', `There is no workflow in ${join(root, workflowFolder)}.`, {
      path: workflowFolder,
    });
  }
  if (second === undefined) return `${workflowFolder}/${only}`;
  throw new DomainError(
    'input.invalid',
    `There are several workflows (${workflows.join(', ')}); name one: --from-github ${only}.`,
    { workflows },
  );
}
