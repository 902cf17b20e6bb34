import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ServiceSubject, serviceDefinition } from '../../../src-main/agent/service-definition.ts';

const awkward = ['--name', 'web "1" 100% $HOME \\ here', '--pair', ''];
const subject = (changes: Partial<ServiceSubject> = {}): ServiceSubject => ({
  platform: 'linux',
  isSystem: true,
  home: '/home/ada',
  userId: 501,
  repositoryId: '0198f000-0000-7000-8000-000000000001',
  channel: 'production',
  command: ['/bin/true', ...awkward],
  ...changes,
});
const name = 'slipway-agent-0198f000-0000-7000-8000-000000000001-production';

function hasAnalyze(): boolean {
  return process.platform === 'linux' && existsSync('/usr/bin/systemd-analyze');
}

describe.skipIf(!hasAnalyze())('the unit of the agent', () => {
  it.each([true, false])('is one that systemd takes without a word (system: %s)', async isSystem => {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-unit-'));
    try {
      const definition = serviceDefinition(subject({ isSystem }));
      const file = join(folder, definition.name);
      await writeFile(file, definition.content);
      const said = execFileSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8', stdio: 'pipe' });
      expect(said).toBe('');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('a service of the agent', () => {
  it('is a systemd unit of the machine or of the user, started again for ever, with what systemd expands doubled', () => {
    const system = serviceDefinition(subject());
    expect(system).toMatchObject({ name: `${name}.service`, path: `/etc/systemd/system/${name}.service` });
    expect(system.content).toContain(
      'ExecStart="/bin/true" "--name" "web \\"1\\" 100%% $$HOME \\\\ here" "--pair" ""\n',
    );
    expect(system.content).toMatch(/Restart=always\n.*KillMode=mixed\n.*WantedBy=multi-user.target\n$/s);
    expect(system.start.at(-1)).toEqual(['systemctl', 'enable', '--now', `${name}.service`]);
    const user = serviceDefinition(subject({ isSystem: false }));
    expect(user.path).toBe(`/home/ada/.config/systemd/user/${name}.service`);
    expect(user.stop).toEqual([['systemctl', '--user', 'disable', '--now', `${name}.service`]]);
    expect(user.content).toContain('WantedBy=default.target');
  });

  it('is a launchd job on macOS', () => {
    const made = serviceDefinition(subject({ platform: 'darwin', isSystem: false }));
    expect(made.path).toBe(`/home/ada/Library/LaunchAgents/dev.slipway.${name}.plist`);
    expect(made.content).toContain('<string>web &quot;1&quot; 100% $HOME \\ here</string>');
    expect(made.content).toContain('<key>KeepAlive</key><true/>');
    expect(made.start).toEqual([['launchctl', 'bootstrap', 'gui/501', made.path]]);
    expect(serviceDefinition(subject({ platform: 'darwin' })).path).toContain('/Library/LaunchDaemons/');
  });

  it('is a task at the start of the machine on Windows', () => {
    const made = serviceDefinition(subject({ platform: 'win32' }));
    expect(made.content).toContain(
      '<Arguments>--name &quot;web \\&quot;1\\&quot; 100% $HOME \\ here&quot; --pair &quot;&quot;</Arguments>',
    );
    expect(made.content).toContain('<BootTrigger>');
    expect(made.start[0]).toEqual(['schtasks.exe', '/create', '/tn', name, '/xml', made.path, '/f']);
    expect(serviceDefinition(subject({ platform: 'win32', isSystem: false })).content).toContain('<LogonTrigger>');
  });
});
