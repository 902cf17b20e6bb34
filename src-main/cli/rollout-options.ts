/** Owns how a rollout is written on the command line, and the command that stops or continues one. */
import { Argument, type Command, InvalidArgumentError } from 'commander';
import type { RolloutRequest, RolloutWay } from '../contract/rollout.ts';
import { callEngine, type EngineOptions, findRepository } from './engine-client.ts';
import { type OutputOptions, plain, print } from './output.ts';

type Options = EngineOptions & OutputOptions;

export interface RolloutOptions {
  readonly rollout?: RolloutWay;
  readonly wait?: number;
  readonly keepGoing?: boolean;
}

const forms = 'Write all, one-by-one, regions, percent:10,50 or canary:2.';

/** The way that a word stands for. Throws commander's error. */
export function rolloutWay(word: string): RolloutWay {
  const [kind = '', value] = word.split(':', 2);
  if (value === undefined && (kind === 'all' || kind === 'one-by-one' || kind === 'regions')) return { kind };
  if (kind === 'canary' && (value === undefined || /^[1-9]\d{0,2}$/.test(value))) {
    return { kind, machines: Number(value ?? 1) };
  }
  if (kind === 'percent' && value !== undefined && /^\d{1,3}(?:,\d{1,3}){0,19}$/.test(value)) {
    const steps = value.split(',').map(Number);
    if (steps.every(step => step >= 1 && step <= 100)) return { kind, steps };
  }
  throw new InvalidArgumentError(forms);
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `30s`, `10m` or `1h`. Throws commander's error. */
export function waitTime(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,5})([smh])$/.exec(text) ?? [];
  const scale = unitMs[unit];
  if (amount === undefined || scale === undefined)
    throw new InvalidArgumentError('Write a time such as 30s, 10m or 1h.');
  return Number(amount) * scale;
}

export function withRolloutOptions(command: Command): Command {
  return command
    .option('--rollout <how>', 'all, one-by-one, regions, percent:10,50 or canary:2', rolloutWay)
    .option('--wait <time>', 'between one wave of it and the next', waitTime)
    .option('--keep-going', 'also when a machine goes back');
}

/** Undefined where nothing was said of it. */
export function rolloutRequest({ rollout, wait, keepGoing }: RolloutOptions): RolloutRequest | undefined {
  if (rollout === undefined) return undefined;
  return { way: rollout, waitMs: wait ?? 0, stopsAtFailure: !keepGoing };
}

/** Below `slipway release`. */
export function addRolloutCommand(release: Command): void {
  release
    .command('rollout')
    .description('stop the rollout of what a channel runs, or continue one that stopped')
    .addArgument(new Argument('<verdict>').choices(['continue', 'stop']))
    .argument('<repository>')
    .option('--channel <name>', 'the channel', 'production')
    .requiredOption('--reason <text>', 'kept with the release')
    .action(async (verdict: 'continue' | 'stop', named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { channel: string; reason: string }>();
      await callEngine(options, async client => {
        const { id: repositoryId } = await findRepository(client, named);
        const { channel, reason } = options;
        const decided = await client.releases.rollout({ repositoryId, channel, verdict, reason });
        const what = verdict === 'stop' ? 'goes to no further machine' : 'goes on';
        print(decided, options, `Release ${decided.serial} on ${plain(decided.channel)} ${what}.`);
      });
    });
}
