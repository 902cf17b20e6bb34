/** Owns the start at login on Linux: a desktop entry in the person's autostart folder. The other systems keep it themselves. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemErrorCode } from '../contract/errors.ts';

/** Source: Desktop Application Autostart Specification, "Autostart Directories" */
export function autostartFile(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'autostart', 'slipway.desktop');
}

/** Source: Desktop Entry Specification, "The Exec key": quoted, with ", `, $ and \\ escaped, and % doubled. */
function quoted(argument: string): string {
  return `"${argument.replace(/["`$\\]/g, '\\$&').replaceAll('%', '%%')}"`;
}

/** Puts the entry there, or takes it away; both may be repeated. Throws what the file system says. */
export async function setAutostart(file: string, command: readonly string[] | null): Promise<void> {
  if (command === null) return rm(file, { force: true });
  const lines = [
    '[Desktop Entry]',
    'Type=Application',
    'Name=Slipway',
    'Comment=Builds and seeds from the tray',
    // In the value of a key, a backslash is written twice.
    `Exec=${command.map(quoted).join(' ').replaceAll('\\', '\\\\')}`,
    'Terminal=false',
    'X-GNOME-Autostart-enabled=true',
  ];
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${lines.join('\n')}\n`);
}

/** Whether the entry is there, and not switched off by the desktop's own settings. */
export async function hasAutostart(file: string): Promise<boolean> {
  try {
    return !/^(Hidden=true|X-GNOME-Autostart-enabled=false)$/m.test(await readFile(file, 'utf8'));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
