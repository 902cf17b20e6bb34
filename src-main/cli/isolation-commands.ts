/** Owns `slipway isolation`: which levels work on the machine of the engine, and what builds get that ask for nothing. */
import { type Command, InvalidArgumentError } from 'commander';
import { DomainError } from '../contract/errors.ts';
import { type BuildDefaults, type BuildDefaultsChange, sizeHint, sizeInBytes } from '../contract/isolation.ts';
import { formatSize } from '../domain/format-size.ts';
import { wholeNumber } from './arguments.ts';
import { callEngine, type EngineOptions, findRepository } from './engine-client.ts';
import { type OutputOptions, plain, print, table } from './output.ts';

type Options = EngineOptions & OutputOptions;
type Level = BuildDefaults['isolation'];

interface ChangeOptions extends Options {
  readonly level?: Level | 'default';
  readonly repository?: string;
  readonly memory?: number | null | 'share';
  readonly disk?: number | null;
  readonly processes?: number | null;
  readonly keepFree?: number;
}

function level(text: string): Level | 'default' {
  if (text === 'auto' || text === 'none' || text === 'bubblewrap' || text === 'default') return text;
  throw new InvalidArgumentError(
    'Give auto, none or bubblewrap (or default, with --repository). docker and podman need an image, so slipway.yml asks for them.',
  );
}

function size(text: string): number {
  const bytes = text === '0' ? 0 : sizeInBytes(text);
  if (bytes === null) throw new InvalidArgumentError(`Instead of "${text}", ${sizeHint}.`);
  return bytes;
}

const orNone = <Value>(read: (text: string) => Value) => {
  return (text: string): Value | null => (text === 'none' ? null : read(text));
};

function changeOf(options: ChangeOptions): BuildDefaultsChange {
  const { memory, disk, processes, keepFree } = options;
  return {
    ...(options.level === undefined || options.level === 'default' ? {} : { isolation: options.level }),
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    ...(disk === undefined ? {} : { diskBytes: disk }),
    ...(processes === undefined ? {} : { processes }),
    ...(keepFree === undefined ? {} : { keepFreeBytes: keepFree }),
  };
}

const limit = (bytes: number | null) => (bytes === null ? 'none' : formatSize(bytes));

export function addIsolationCommands(program: Command): void {
  const isolation = program.command('isolation').description('how far builds are kept apart from this machine');
  isolation
    .command('show')
    .description('the levels that work here, and what builds get that ask for nothing')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const view = await callEngine(options, client => client.isolation.get());
      const { defaults } = view;
      const works = (isTried: boolean) => (isTried ? 'works' : 'answers; not tried, since it has no image here');
      const levels = view.levels.map(({ level, reason, isTried }) => [
        level,
        reason === null ? works(isTried) : `does not: ${reason}`,
      ]);
      const memory = defaults.memoryBytes === 'share' ? "three quarters of the machine's" : limit(defaults.memoryBytes);
      print(
        view,
        options,
        [
          table(['LEVEL', 'HERE'], levels).trimEnd(),
          `Default: ${defaults.isolation}. Memory ${memory}, disk ${limit(defaults.diskBytes)}, processes ${defaults.processes ?? 'none'}; ${formatSize(defaults.keepFreeBytes)} stay free.`,
          ...view.repositories.map(row => plain(`${row.name}: ${row.level}`)),
        ].join('\n'),
      );
    });
  isolation
    .command('set')
    .description('change what builds get from now on; with --repository the level of one repository')
    .option('--level <level>', 'auto (slipway.yml may choose), bubblewrap (at least), or none', level)
    .option('--repository <name>', 'only the level, and only for builds of this repository; "default" takes it back')
    .option('--memory <size>', 'of all processes of a step; "share" is three quarters of the machine, or none', text =>
      text === 'share' ? text : orNone(size)(text),
    )
    .option('--disk <size>', 'what a build may write, or none', orNone(size))
    .option('--processes <n>', 'at once in a step, or none', orNone(wholeNumber(8, 1_000_000)))
    .option('--keep-free <size>', 'what stays free on the disk, whatever a build wants', size)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ChangeOptions>();
      const { repository, level: chosen } = options;
      const { isolation: _level, ...limits } = changeOf(options);
      const isWrong =
        repository === undefined
          ? chosen === 'default' || Object.keys(changeOf(options)).length === 0
          : chosen === undefined || Object.keys(limits).length > 0;
      if (isWrong) {
        throw new DomainError(
          'input.invalid',
          'Name what is to change: --level, --memory, --disk, --processes or --keep-free; with --repository a --level, and nothing else.',
        );
      }
      await callEngine(options, async client => {
        if (repository === undefined) {
          await client.isolation.set(changeOf(options));
          print({ done: true }, options, 'Builds that begin from now on get it.');
          return;
        }
        const row = await findRepository(client, repository);
        await client.isolation.setOfRepository({
          repositoryId: row.id,
          level: chosen === undefined || chosen === 'default' ? null : chosen,
        });
        print({ done: true }, options, `Builds of ${plain(row.name)} that begin from now on get it.`);
      });
    });
}
