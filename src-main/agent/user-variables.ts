/** Owns the persistent variables of the user that the agent runs as: set where each operating system keeps them, on request. */
import { mkdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DomainError } from '../contract/errors.ts';
import { runCommand } from '../process/run-command.ts';
import { replacePrivateFile } from '../secrets/private-file.ts';

const commandTimeoutMs = 30_000;
/** Source: https://learn.microsoft.com/windows-server/administration/windows-commands/setx, "Remarks". */
const maxSetxChars = 1_024;

type Values = Readonly<Record<string, string>>;

export interface UserVariables {
  /** Makes exactly `values` the variables; `before` names those that were set last. May be repeated. Throws `data.unwritable`. */
  set(values: Values, before: readonly string[]): Promise<void>;
}

export interface UserVariablesOptions {
  /** Of the agent: unique on the machine. */
  readonly name: string;
  readonly platform?: NodeJS.Platform;
  readonly home?: string;
  readonly run?: (command: string, args: readonly string[]) => Promise<void>;
}

async function runToEnd(command: string, args: readonly string[]): Promise<void> {
  const result = await runCommand({ command, args, cwd: homedir(), env: process.env, timeoutMs: commandTimeoutMs });
  if (result.exitCode === 0) return;
  throw new DomainError(
    'data.unwritable',
    `The user's variables could not be set: ${command} ended with ${result.exitCode ?? result.signal}. What runs has them all the same, from its own environment file.`,
    { command },
  );
}

/**
 * Lines for systemd's user manager: variables of what it starts from its next start on. Within double quotes `"`, `\` and `` ` `` need a
 * backslash; a dollar is doubled, since what is unquoted is expanded afterwards. Source: environment.d(5), and its generator.
 */
export function environmentLines(values: Values): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}="${value.replaceAll(/["\\`]/g, '\\$&').replaceAll('$', '$$$$')}"\n`)
    .join('');
}

const escapeXml = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** A launch agent that sets them at each login. Source: launchctl(1), `setenv`; launchd.plist(5). */
export function launchAgentOf(label: string, values: Values): string {
  const words = ['/bin/launchctl', 'setenv', ...Object.entries(values).flat()];
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
  <key>Label</key><string>${escapeXml(label)}</string>
  <key>RunAtLoad</key><true/>
  <key>ProgramArguments</key><array>
${words.map(word => `    <string>${escapeXml(word)}</string>`).join('\n')}
  </array>
</dict></plist>
`;
}

export function createUserVariables(options: UserVariablesOptions): UserVariables {
  const { name, platform = process.platform, home = homedir(), run = runToEnd } = options;
  const gone = (values: Values, before: readonly string[]) => before.filter(known => values[known] === undefined);

  async function setOnLinux(values: Values): Promise<void> {
    const file = join(home, '.config', 'environment.d', `60-slipway-${name}.conf`);
    if (Object.keys(values).length === 0) await rm(file, { force: true });
    else await replacePrivateFile(file, Buffer.from(environmentLines(values)));
  }

  async function setOnMac(values: Values, before: readonly string[]): Promise<void> {
    const label = `dev.slipway.variables.${name}`;
    const folder = join(home, 'Library', 'LaunchAgents');
    await mkdir(folder, { recursive: true });
    for (const old of gone(values, before)) await run('/bin/launchctl', ['unsetenv', old]);
    const file = join(folder, `${label}.plist`);
    if (Object.keys(values).length === 0) return rm(file, { force: true });
    await replacePrivateFile(file, Buffer.from(launchAgentOf(label, values)));
    await run('/bin/launchctl', ['setenv', ...Object.entries(values).flat()]);
  }

  async function setOnWindows(values: Values, before: readonly string[]): Promise<void> {
    const long = Object.entries(values).find(([, value]) => value.length > maxSetxChars);
    if (long !== undefined) {
      throw new DomainError(
        'data.unwritable',
        `The variable ${long[0]} has more than ${maxSetxChars} characters, which Windows does not keep for a user. Take it out of the channel, or run the agent without --user-variables.`,
        { name: long[0] },
      );
    }
    for (const old of gone(values, before)) {
      await run('reg.exe', ['delete', 'HKCU\\Environment', '/v', old, '/f']);
    }
    for (const [variable, value] of Object.entries(values)) await run('setx.exe', [variable, value]);
  }

  return {
    set(values, before) {
      switch (platform) {
        case 'win32':
          return setOnWindows(values, before);
        case 'darwin':
          return setOnMac(values, before);
        default:
          return setOnLinux(values);
      }
    },
  };
}
