/** Owns `slipway key`: where the master key lies, and its way into the system's key store and out of it. */
import type { Command } from 'commander';
import { callEngine, type EngineClient, type EngineOptions } from './engine-client.ts';
import { type OutputOptions, plain, print } from './output.ts';

type Options = EngineOptions & OutputOptions;
type State = Awaited<ReturnType<EngineClient['key']['get']>>;

const words = ({ wrappedBy, available }: State) =>
  wrappedBy !== null
    ? `The master key is held by ${plain(wrappedBy)}; only the desktop app opens it.`
    : `The master key lies in its file, which only this user can read.${available === null ? '' : ` "slipway key wrap" gives it to ${plain(available)}.`}`;

export function addKeyCommands(program: Command): void {
  const key = program.command('key').description("the master key: in its file, or in the system's key store");
  const add = (name: string, description: string, work: (client: EngineClient) => Promise<State>) =>
    key
      .command(name)
      .description(description)
      .action(async (_options: unknown, command: Command) => {
        const options = command.optsWithGlobals<Options>();
        await callEngine(options, async client => {
          const state = await work(client);
          print(state, options, words(state));
        });
      });
  add('show', 'where it lies', client => client.key.get());
  add('wrap', "give it to the system's key store; only the desktop app opens it then", client =>
    client.key.set({ wrapped: true }),
  );
  add('unwrap', 'take it back into its file, for "slipway serve" or a copy that opens elsewhere', client =>
    client.key.set({ wrapped: false }),
  );
}
