/** Owns `slipway metrics`: OpenMetrics at /metrics, for whoever has its token. */
import type { Command } from 'commander';
import { callEngine, type EngineOptions } from './engine-client.ts';
import { type OutputOptions, print } from './output.ts';

type Options = EngineOptions & OutputOptions;

export function addMetricsCommands(program: Command): void {
  const metrics = program
    .command('metrics')
    .description('OpenMetrics at /metrics of the running engine; off until turned on');
  metrics
    .command('on')
    .description('let /metrics answer to a new token, which is shown this once')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const enabled = await callEngine(options, client => client.metrics.enable());
      print(enabled, options, `Token of /metrics ("Authorization: Bearer …"), shown this once: ${enabled.token}`);
    });
  metrics
    .command('off')
    .description('let /metrics answer to nobody')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      print(await callEngine(options, client => client.metrics.disable()), options, 'Metrics are off.');
    });
  metrics
    .command('show')
    .description('whether /metrics answers')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const state = await callEngine(options, client => client.metrics.get());
      print(state, options, `Metrics are ${state.enabled ? 'on' : 'off'}.`);
    });
}
