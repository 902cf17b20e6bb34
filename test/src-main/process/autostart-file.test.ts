import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { autostartFile, hasAutostart, setAutostart } from '../../../src-main/process/autostart-file.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

describe('the start at login on Linux', () => {
  it('is a desktop entry, there or not, as often as it is asked for', async () => {
    const file = autostartFile({ XDG_CONFIG_HOME: await scratchFolder() });
    expect(await hasAutostart(file)).toBe(false);
    await setAutostart(file, null);
    await setAutostart(file, ['/opt/My "Apps"/slip$way', '100%', '--hidden']);
    await setAutostart(file, ['/opt/My "Apps"/slip$way', '100%', '--hidden']);
    expect(await hasAutostart(file)).toBe(true);
    expect(await readFile(file, 'utf8')).toContain('Exec="/opt/My \\\\"Apps\\\\"/slip\\\\$way" "100%%" "--hidden"\n');
    await setAutostart(file, null);
    expect(await hasAutostart(file)).toBe(false);
  });

  it("is off where the desktop's own settings say so", async () => {
    const file = autostartFile({ XDG_CONFIG_HOME: await scratchFolder() });
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, '[Desktop Entry]\nX-GNOME-Autostart-enabled=false\n');
    expect(await hasAutostart(file)).toBe(false);
  });
});
