/** Owns the options of `slipway repo` that say what of a source makes jobs or is fetched, and their words. */
import { type Command, InvalidArgumentError } from 'commander';
import { type BranchState, otherBranch } from '../contract/branch-state.ts';
import { type SourceOptions, sourceOptionsSchema } from '../contract/source-options.ts';
import type { RepositoryRow } from '../contract/views/repository.ts';
import { onOrOff } from './arguments.ts';

export interface SourceArguments {
  readonly paths?: string[];
  readonly tags?: string | null;
  readonly everyCommit?: boolean;
  readonly submodules?: boolean;
  readonly lfs?: boolean;
  readonly externals?: boolean;
}

function pathList(text: string): string[] {
  const parsed = sourceOptionsSchema.shape.paths.safeParse(text === '-' ? [] : text.split(','));
  if (!parsed.success) throw new InvalidArgumentError(parsed.error.issues[0]?.message ?? 'no list of paths');
  return parsed.data;
}

function tagPattern(text: string): string | null {
  const parsed = sourceOptionsSchema.shape.tags.safeParse(text === '-' ? null : text);
  if (!parsed.success) throw new InvalidArgumentError(parsed.error.issues[0]?.message ?? 'no pattern');
  return parsed.data;
}

export function addSourceOptions(command: Command): Command {
  return command
    .option('--paths <list>', 'only changes below these make jobs: packages/api,shared; "-" for every change', pathList)
    .option(
      '--tags <pattern>',
      'new tags that match make jobs, the branch does not: v*; "-" for the branch',
      tagPattern,
    )
    .option('--every-commit <on|off>', 'every commit between two looks makes a job, not only the newest', onOrOff)
    .option('--submodules <on|off>', 'Git submodules are fetched', onOrOff)
    .option('--lfs <on|off>', 'files that Git LFS keeps are fetched', onOrOff)
    .option('--externals <on|off>', 'what svn:externals name is fetched', onOrOff);
}

/** What was given; undefined where nothing was. */
export function sourceChange(given: SourceArguments): Partial<SourceOptions> | undefined {
  const { paths, tags, everyCommit, submodules, lfs, externals } = given;
  const change = { paths, tags, everyCommit, submodules, lfs, externals };
  return Object.values(change).every(value => value === undefined) ? undefined : change;
}

function branchLines(branch: string, state: BranchState): string[][] {
  const { gone, rewritten } = state;
  const other = otherBranch(branch, state);
  const instead = other === null ? '' : `; ${other} instead: --branch ${other}`;
  return [
    ...(gone === null ? [] : [['branch', `gone since ${minute(gone.sinceMs)}${instead}`]]),
    ...(gone === null && other !== null
      ? [['default branch of the remote', `${other} now, was ${branch}${instead}`]]
      : []),
    ...(rewritten === null
      ? []
      : [
          [
            'history',
            `replaced by a forced push at ${minute(rewritten.atMs)}: ${rewritten.from.slice(0, 10)} by ${rewritten.to.slice(0, 10)}`,
          ],
        ]),
  ];
}

const minute = (atMs: number) => `${new Date(atMs).toISOString().slice(0, 16)}Z`;

/** Lines of what is set, for a table. */
export function sourceWords({ vcs, branch, branchState, source }: RepositoryRow): string[][] {
  const onOff = (value: boolean) => (value ? 'on' : 'off');
  const what = source.tags === null ? `${branch}${source.everyCommit ? ', every commit' : ''}` : `tags ${source.tags}`;
  const lines = [
    ['makes jobs of', `${what}${source.paths.length > 0 ? `, of changes below ${source.paths.join(', ')}` : ''}`],
  ];
  if (source.tags === null) lines.push(...branchLines(branch, branchState));
  if (vcs === 'svn') return [...lines, ['fetches svn:externals', onOff(source.externals)]];
  return [...lines, ['fetches submodules', onOff(source.submodules)], ['fetches LFS files', onOff(source.lfs)]];
}
