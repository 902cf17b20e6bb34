/** Owns the environment that a release's own processes get, and its file on this machine. */
import { z } from 'zod';
import { DomainError } from '../contract/errors.ts';
import { readPrivateFile, replacePrivateFile } from '../secrets/private-file.ts';
import type { AgentFolder } from './agent-folder.ts';
import type { Installed } from './agent-state.ts';

/** What a program needs of its surroundings. The rest of the agent's environment may hold credentials of stores. */
const passedOn = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LC_ALL',
  'TZ',
  'TMPDIR',
  'TEMP',
  'TMP',
  'SystemRoot',
  'ComSpec',
  'PATHEXT',
];
const maxFileBytes = 8 * 1024 * 1024;
const lineSchema = z.string();

/** The environment of a release's processes: a little of the agent's own, the channel's values, and what runs. */
export function serviceEnvironment(
  values: Readonly<Record<string, string>>,
  release: { readonly serial: number; readonly revision: string },
): Record<string, string> {
  const own = passedOn.flatMap((name): [string, string][] => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return {
    ...Object.fromEntries(own),
    ...values,
    SLIPWAY_SERIAL: String(release.serial),
    SLIPWAY_REVISION: release.revision,
  };
}

/** Writes the values, mode 0600: one `NAME="value"` a line, escaped as in JSON. */
export async function writeEnvironmentFile(path: string, values: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries(values).map(([name, value]) => `${name}=${JSON.stringify(value)}\n`);
  await replacePrivateFile(path, Buffer.from(lines.join(''), 'utf8'));
}

/** The values of a file that `writeEnvironmentFile` made; null where there is none. Throws `data.corrupt`, `secret.key_unreadable`. */
export async function readEnvironmentFile(path: string): Promise<Readonly<Record<string, string>> | null> {
  const bytes = await readPrivateFile(path, maxFileBytes);
  if (bytes === null) return null;
  try {
    const lines = bytes
      .toString('utf8')
      .split('\n')
      .filter(line => line !== '');
    return Object.fromEntries(
      lines.map(line => {
        const equals = line.indexOf('=');
        return [line.slice(0, equals), lineSchema.parse(JSON.parse(line.slice(equals + 1)))];
      }),
    );
  } catch {
    // The cause would hold values.
    throw new DomainError('data.corrupt', `The environment ${path} is damaged. Remove the file; it is fetched again.`, {
      path,
    });
  }
}

/** The channel's values that a release runs with. Throws `data.corrupt` where their file is gone. */
export async function environmentValues(
  folder: AgentFolder,
  { environmentDigest, serial }: Pick<Installed, 'environmentDigest' | 'serial'>,
): Promise<Readonly<Record<string, string>>> {
  const values = environmentDigest === null ? {} : await readEnvironmentFile(folder.environment(environmentDigest));
  if (values !== null) return values;
  throw new DomainError(
    'data.corrupt',
    `The environment of release ${serial} is missing on this machine. It is fetched again at the next release.`,
    { serial },
  );
}
