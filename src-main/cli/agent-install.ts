/** Owns `slipway agent install` and `uninstall`: the agent as a service of this machine, written, started, and taken away again. */
import { rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { type ServiceDefinition, serviceDefinition } from '../agent/service-definition.ts';
import { DomainError, messageOf } from '../contract/errors.ts';
import { runCommand } from '../process/run-command.ts';
import { replacePrivateFile } from '../secrets/private-file.ts';
import type { AgentCommandOptions } from './agent-command.ts';
import { print, say } from './output.ts';

const commandTimeoutMs = 60_000;

export interface InstallOptions extends AgentCommandOptions {
  /** For this user, although root asks. */
  readonly user?: boolean | undefined;
  /** Written, and not started. */
  readonly start: boolean;
}

/** The options of the agent as words again, with every path absolute. */
export function agentWords(options: AgentCommandOptions): string[] {
  const flag = (name: string, value: string | undefined) => (value === undefined ? [] : [name, value]);
  const stores = options.store.map(store => (/^[a-z0-9+]+:/i.test(store) ? store : resolve(store)));
  return [
    'agent',
    ...stores.flatMap(store => ['--store', store]),
    ...flag('--repository', options.repository),
    ...flag('--channel', options.channel),
    ...flag('--root', resolve(options.root)),
    ...flag('--key', options.key),
    ...flag('--name', options.name),
    ...flag('--region', options.region),
    ...flag('--pair', options.pair),
    ...flag('--listen', options.listen),
    ...(options.up === undefined ? [] : flag('--up', `${options.up}B/s`)),
    ...(options.down === undefined ? [] : flag('--down', `${options.down}B/s`)),
    ...(options.tracker ?? []).flatMap(url => ['--tracker', url]),
    ...flag('--on-battery', options.onBattery),
    ...flag('--on-metered', options.onMetered),
    ...flag('--interval', String(options.interval)),
    ...(options.supervise ? ['--supervise'] : []),
    ...(options.linkFiles ? ['--link-files'] : []),
    ...(options.userVariables ? ['--user-variables'] : []),
    ...(options.swarm ? [] : ['--no-swarm']),
  ];
}

function definitionFor(options: Pick<InstallOptions, 'repository' | 'channel' | 'user'>, words: readonly string[]) {
  const userId = process.getuid?.() ?? 0;
  return serviceDefinition({
    platform: process.platform,
    isSystem: userId === 0 && !options.user,
    home: homedir(),
    userId,
    repositoryId: options.repository,
    channel: options.channel,
    command: [process.execPath, resolve(process.argv[1] ?? ''), ...words],
  });
}

/** Runs them in order; null where all went well, else what did not. */
async function problemOf(commands: ServiceDefinition['start']): Promise<string | null> {
  for (const [command = '', ...args] of commands) {
    try {
      const { exitCode, stderr } = await runCommand({
        command,
        args,
        cwd: homedir(),
        env: process.env,
        timeoutMs: commandTimeoutMs,
      });
      if (exitCode !== 0)
        return `${[command, ...args].join(' ')}: ${stderr.toString('utf8').trim() || `exit code ${exitCode}`}`;
    } catch (error) {
      return `${[command, ...args].join(' ')}: ${messageOf(error)}`;
    }
  }
  return null;
}

const asText = (commands: ServiceDefinition['start']) => commands.map(words => words.join(' ')).join('\n');

/** Writes the service and starts it. Throws `data.unwritable` where it is written and does not start. */
export async function installAgent(options: InstallOptions): Promise<void> {
  const definition = definitionFor(options, agentWords(options));
  const { name, path, content, start, note } = definition;
  // The pairing code is in it, which works once: nobody else reads it.
  await replacePrivateFile(path, Buffer.from(content)).catch((error: unknown) => {
    throw new DomainError(
      'data.unwritable',
      `${path} cannot be written (${messageOf(error)}). Run it as root, or with --user.`,
    );
  });
  const problem = options.start ? await problemOf(start) : null;
  const next = options.start ? [] : [`Start it with:\n${asText(start)}`];
  const said = [`Wrote ${path}:`, '', content, ...next, ...(note === null ? [] : [note])].join('\n');
  print({ name, path, content, started: options.start && problem === null }, options, said);
  if (problem !== null) {
    throw new DomainError('data.unwritable', `The service ${name} was written, but did not start: ${problem}`, {
      name,
      path,
    });
  }
}

/** Stops the service and removes it. The machine's folder stays as it is. May be repeated. */
export async function uninstallAgent(
  options: Pick<InstallOptions, 'repository' | 'channel' | 'user' | 'json'>,
): Promise<void> {
  const { name, path, stop } = definitionFor(options, []);
  const problem = await problemOf(stop);
  if (problem !== null) say(`It may not have run: ${problem}`);
  await rm(path, { force: true });
  print({ name, path }, options, `Removed ${path}. The agent's root and what it runs from there stay.`);
}
