import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createUserVariables } from '../../../src-main/agent/user-variables.ts';

/** What systemd's user manager reads environment.d with. */
const generator = '/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'slipway-home-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

// biome-ignore lint/suspicious/noTemplateCurlyInString: it is what must not be expanded
const awkward = { PLAIN: 'x', QUOTED: 'a "b" \\ `c` $HOME ${HOME} $$', LINES: 'one\ntwo', EMPTY: '' };

describe.skipIf(!existsSync(generator))('variables of the user on Linux', () => {
  it('are read by systemd as they were set, and are gone when the channel has none', async () => {
    const variables = createUserVariables({ name: 'app', platform: 'linux', home });
    await variables.set(awkward, []);
    const file = join(home, '.config', 'environment.d', '60-slipway-app.conf');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const read = execFileSync(generator, { env: { HOME: home, PATH: process.env.PATH }, encoding: 'utf8' });
    // Its output is for a shell, but that line feeds are written as \n.
    const script = `${read.replaceAll('\\n', '\n')}\nprintf '%s\\0' "$PLAIN" "$QUOTED" "$LINES" "$EMPTY"`;
    const seen = execFileSync('/bin/sh', ['-c', script], { env: { HOME: 'not this' }, encoding: 'utf8' });
    expect(seen.split('\0').slice(0, 4)).toEqual(Object.values(awkward));
    await variables.set({}, Object.keys(awkward));
    expect(existsSync(file)).toBe(false);
  });
});

it('are launchctl’s on macOS: now, at each login, and no longer where a name is gone', async () => {
  const ran: string[][] = [];
  const run = async (command: string, args: readonly string[]) => void ran.push([command, ...args]);
  const variables = createUserVariables({ name: 'app', platform: 'darwin', home, run });
  await variables.set({ A: '<&">', B: '2' }, ['OLD', 'A']);
  expect(ran).toEqual([
    ['/bin/launchctl', 'unsetenv', 'OLD'],
    ['/bin/launchctl', 'setenv', 'A', '<&">', 'B', '2'],
  ]);
  const plist = await readFile(join(home, 'Library', 'LaunchAgents', 'dev.slipway.variables.app.plist'), 'utf8');
  expect(plist).toContain('<string>A</string>\n    <string>&lt;&amp;&quot;&gt;</string>');
});

it('are setx’s on Windows, which cuts long values off: they are refused before anything is set', async () => {
  const ran: string[][] = [];
  const run = async (command: string, args: readonly string[]) => void ran.push([command, ...args]);
  const variables = createUserVariables({ name: 'app', platform: 'win32', home, run });
  await variables.set({ A: '1' }, ['OLD']);
  expect(ran).toEqual([
    ['reg.exe', 'delete', 'HKCU\\Environment', '/v', 'OLD', '/f'],
    ['setx.exe', 'A', '1'],
  ]);
  await expect((async () => variables.set({ A: '1', B: 'x'.repeat(1_025) }, []))()).rejects.toMatchObject({
    code: 'data.unwritable',
  });
  expect(ran.length).toBe(2);
});
