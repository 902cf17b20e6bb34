/** Owns `slipway worker` and `slipway settings`. */
import { type Command, InvalidArgumentError } from 'commander';
import { DomainError } from '../contract/errors.ts';
import { type SettingName, settingNameSchema, settingText } from '../contract/settings.ts';
import type { EngineStatus } from '../contract/views/engine.ts';
import type { PoolView, WorkerMode } from '../contract/views/worker.ts';
import { formatSize } from '../domain/format-size.ts';
import { callEngine, type EngineOptions } from './engine-client.ts';
import { type OutputOptions, print, table } from './output.ts';

type Options = EngineOptions & OutputOptions;

/** Of the status line: `1 of 2 busy; by cores, 2 of 3`; a pool that takes no jobs says so first. */
export function workerWords({ busy, total, mode, wanted, sizeReason }: EngineStatus['workers']): string {
  const count = `${busy} of ${total} busy`;
  const size = total === wanted ? sizeReason : `${wanted} wanted: ${sizeReason}`;
  switch (mode) {
    case 'running':
      return `${count}; ${size}`;
    case 'paused':
      return `PAUSED, ${count}: no job is taken until "slipway worker resume"`;
    case 'drained':
      return `${total === 0 ? 'DRAINED, none runs' : `DRAINING, ${count}`}: no job is taken until "slipway worker resume"`;
  }
}

function poolText(pool: PoolView): string {
  const busy = pool.workers.filter(worker => worker.state === 'busy' || worker.work !== null).length;
  const head = workerWords({
    busy,
    total: pool.workers.length,
    paused: pool.mode !== 'running',
    mode: pool.mode,
    wanted: pool.wanted,
    sizeReason: pool.sizeReason,
  });
  if (pool.workers.length === 0) return `${head}\n`;
  const lines = pool.workers.map(worker => [
    worker.name,
    worker.state,
    String(worker.pid ?? '-'),
    String(worker.jobsDone),
    worker.memoryBytes === null ? '-' : formatSize(worker.memoryBytes),
    worker.leaving ?? worker.work ?? '',
  ]);
  return `${head}\n${table(['WORKER', 'STATE', 'PID', 'JOBS', 'MEMORY', ''], lines)}`;
}

const verbs: readonly { readonly verb: string; readonly mode: WorkerMode; readonly description: string }[] = [
  { verb: 'pause', mode: 'paused', description: 'take no more jobs; running ones go on' },
  { verb: 'drain', mode: 'drained', description: 'take no more jobs; each worker ends when its job has' },
  { verb: 'resume', mode: 'running', description: 'take jobs again' },
];

/** `auto`, or a whole number. Throws commander's error for a wrong argument. */
function poolSizeArgument(text: string): string {
  try {
    return settingText('workers.size', text);
  } catch {
    throw new InvalidArgumentError('Give "auto", or a whole number from 0 to 256.');
  }
}

export function addWorkerCommands(program: Command): void {
  const worker = program.command('worker').description('the processes that build');
  worker
    .command('list')
    .description('every worker, and why there are so many')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const pool = await callEngine(options, client => client.workers.get());
      print(pool, options, poolText(pool));
    });
  for (const { verb, mode, description } of verbs) {
    worker
      .command(verb)
      .description(description)
      .action(async (_options: unknown, command: Command) => {
        const options = command.optsWithGlobals<Options>();
        const pool = await callEngine(options, client => client.workers.setMode({ mode }));
        print(pool, options, poolText(pool));
      });
  }
  worker
    .command('size')
    .argument('<size>', 'a number, or auto: by cores, memory and power', poolSizeArgument)
    .description('how many workers there are; grows at once, shrinks as jobs end')
    .action(async (size: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const pool = await callEngine(options, async client => {
        await client.settings.set({ name: 'workers.size', value: size });
        return client.workers.get();
      });
      print(pool, options, poolText(pool));
    });
}

/** Throws `not_found`, with the names that there are. */
function settingName(text: string): SettingName {
  const name = settingNameSchema.safeParse(text);
  if (name.success) return name.data;
  throw new DomainError(
    'not_found',
    `There is no setting "${text}". Settings: ${settingNameSchema.options.join(', ')}.`,
    { name: text },
  );
}

export function addSettingsCommands(program: Command): void {
  const settings = program.command('settings').description('what can be chosen for the whole installation');
  settings
    .command('list')
    .description('every setting, its value and meaning')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const views = await callEngine(options, client => client.settings.list());
      const lines = views.map(view => [
        view.name,
        String(view.value),
        view.isDefault ? 'default' : 'set',
        view.meaning,
      ]);
      print(views, options, table(['SETTING', 'VALUE', '', 'MEANING'], lines));
    });
  settings
    .command('set <name> <value>')
    .description('change a setting; it holds at once')
    .action(async (name: string, value: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const view = await callEngine(options, client => client.settings.set({ name: settingName(name), value }));
      print(view, options, `${view.name} is ${view.value}.`);
    });
}
