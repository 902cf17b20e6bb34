/** Owns `slipway git access`: the logins with which private repositories are read over https. */
import type { Command } from 'commander';
import { DomainError } from '../contract/errors.ts';
import type { GitAccess } from '../contract/git-access.ts';
import { callEngine, type EngineOptions } from './engine-client.ts';
import { type OutputOptions, plain, print, table } from './output.ts';
import { readSecret } from './read-secret.ts';

interface Given {
  readonly user?: string;
  readonly system?: boolean;
}
type Options = EngineOptions & OutputOptions & Given;

/** The token comes from a pipe or the terminal; never from an argument. Throws `input.invalid`. */
async function readAccess(host: string, { user, system }: Given): Promise<GitAccess> {
  if (system) {
    if (user === undefined) return { kind: 'system' };
    throw new DomainError('input.invalid', 'With --system the user name comes from git. Leave --user out.');
  }
  const token = (await readSecret(`the token for ${host}`)).trim();
  if (token === '') throw new DomainError('input.invalid', 'No token was given; nothing was set.');
  return { kind: 'token', token, ...(user === undefined ? {} : { user }) };
}

export function addGitCommands(program: Command): void {
  const access = program
    .command('git')
    .description('Git servers')
    .command('access')
    .description('logins of Git servers, for private repositories over https; ssh uses your keys');
  access
    .command('set <host>')
    .description('set or replace the login of a server; its token comes from stdin, or is asked for')
    .option('--user <name>', 'the user name beside the token; what the forge wants if left out')
    .option('--system', "ask your own git's credential helper instead of keeping a token")
    .action(async (host: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      await callEngine(options, async client => {
        const view = await client.gitAccess.set({ host, access: await readAccess(host, options) });
        const how = view.kind === 'system' ? "your git's own login" : `a token, as ${plain(view.user ?? '')}`;
        print(view, options, `Repositories of ${plain(view.host)} are read with ${how} from now on.`);
      });
    });
  access
    .command('show [host]')
    .description('which servers have a login; tokens are never shown')
    .action(async (host: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const all = await callEngine(options, client => client.gitAccess.list());
      const shown = host === undefined ? all : all.filter(one => one.host === host.toLowerCase());
      const lines = shown.map(one => [
        one.host,
        one.kind,
        one.user ?? '-',
        new Date(one.setAtMs).toISOString().slice(0, 19),
      ]);
      print(shown, options, table(['HOST', 'KIND', 'USER', 'SET'], lines));
    });
  access
    .command('remove <host>')
    .description('forget the login of a server')
    .action(async (host: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const done = await callEngine(options, client => client.gitAccess.remove({ host }));
      print(done, options, `The login of ${plain(host)} is removed.`);
    });
}
