/** Owns how the agent is known to each operating system as a service: its file, where that lies, and what takes it up. Writes nothing. */
import { join } from 'node:path';

export interface ServiceSubject {
  readonly platform: NodeJS.Platform;
  /** For the whole machine, by root; else for the user. */
  readonly isSystem: boolean;
  readonly home: string;
  readonly userId: number;
  readonly repositoryId: string;
  readonly channel: string;
  /** The program and all its arguments; the first is absolute. */
  readonly command: readonly string[];
}

export interface ServiceDefinition {
  readonly name: string;
  readonly path: string;
  readonly content: string;
  /** Programs with arguments, in order. */
  readonly start: readonly (readonly string[])[];
  readonly stop: readonly (readonly string[])[];
  /** What a person should know besides. */
  readonly note: string | null;
}

/** Within double quotes, with what systemd expands doubled. Source: systemd.service(5), "Command lines"; systemd.syntax(7), "Quoting". */
function systemdWord(word: string): string {
  return `"${word.replaceAll(/["\\]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`;
}

function systemdService(subject: ServiceSubject, name: string): ServiceDefinition {
  const { isSystem, home, channel, repositoryId, command } = subject;
  const manager = isSystem ? ['systemctl'] : ['systemctl', '--user'];
  const unit = `${name}.service`;
  return {
    name: unit,
    path: isSystem ? join('/etc/systemd/system', unit) : join(home, '.config', 'systemd', 'user', unit),
    content: `[Unit]
Description=Slipway agent for ${channel} of ${repositoryId}
${isSystem ? 'Wants=network-online.target\nAfter=network-online.target\n' : ''}StartLimitIntervalSec=0

[Service]
ExecStart=${command.map(systemdWord).join(' ')}
Restart=always
RestartSec=5
# The agent ends what it supervises by itself; what is left after that is killed with it.
KillMode=mixed
TimeoutStopSec=60

[Install]
WantedBy=${isSystem ? 'multi-user.target' : 'default.target'}
`,
    start: [
      [...manager, 'daemon-reload'],
      [...manager, 'enable', '--now', unit],
    ],
    stop: [[...manager, 'disable', '--now', unit]],
    note: isSystem ? null : 'It runs while you are logged in; "loginctl enable-linger" lets it run from the boot on.',
  };
}

const escapeXml = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Source: launchd.plist(5). */
function launchdService(subject: ServiceSubject, name: string): ServiceDefinition {
  const { isSystem, home, userId, command } = subject;
  const label = `dev.slipway.${name}`;
  const path = isSystem
    ? join('/Library/LaunchDaemons', `${label}.plist`)
    : join(home, 'Library', 'LaunchAgents', `${label}.plist`);
  const domain = isSystem ? 'system' : `gui/${userId}`;
  return {
    name: label,
    path,
    content: `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
  <key>Label</key><string>${escapeXml(label)}</string>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><true/>
  <key>ExitTimeOut</key><integer>60</integer>
  <key>ProgramArguments</key><array>
${command.map(word => `    <string>${escapeXml(word)}</string>`).join('\n')}
  </array>
</dict></plist>
`,
    start: [['launchctl', 'bootstrap', domain, path]],
    stop: [['launchctl', 'bootout', `${domain}/${label}`]],
    note: null,
  };
}

/** As the C runtime takes a command line apart: backslashes count only before quotes. Source: "Parsing C command-line arguments", Microsoft. */
function windowsWord(word: string): string {
  if (word !== '' && !/[\s"]/.test(word)) return word;
  return `"${word.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1')}"`;
}

/**
 * A task that starts with the machine and is started again: Windows ends a service whose program does not answer its service manager,
 * and a Node program does not. Source: Task Scheduler schema, Microsoft.
 */
function windowsTask(subject: ServiceSubject, name: string): ServiceDefinition {
  const { isSystem, home, command } = subject;
  const [program = '', ...args] = command;
  const path = join(home, '.slipway', `${name}.xml`);
  const trigger = isSystem ? 'BootTrigger' : 'LogonTrigger';
  return {
    name,
    path,
    content: `<?xml version="1.0"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <Triggers><${trigger}><Enabled>true</Enabled></${trigger}></Triggers>
${isSystem ? '  <Principals><Principal id="Author"><UserId>S-1-5-18</UserId><RunLevel>HighestAvailable</RunLevel></Principal></Principals>\n' : ''}  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure><Interval>PT1M</Interval><Count>999</Count></RestartOnFailure>
  </Settings>
  <Actions><Exec>
    <Command>${escapeXml(program)}</Command>
    <Arguments>${escapeXml(args.map(windowsWord).join(' '))}</Arguments>
  </Exec></Actions>
</Task>
`,
    start: [
      ['schtasks.exe', '/create', '/tn', name, '/xml', path, '/f'],
      ['schtasks.exe', '/run', '/tn', name],
    ],
    stop: [
      ['schtasks.exe', '/end', '/tn', name],
      ['schtasks.exe', '/delete', '/tn', name, '/f'],
    ],
    note: 'It is a scheduled task, which Windows starts with the machine and again when it ends.',
  };
}

/** The definition of an agent's service on this platform. One machine may have several, one for each repository and channel. */
export function serviceDefinition(subject: ServiceSubject): ServiceDefinition {
  const name = `slipway-agent-${subject.repositoryId}-${subject.channel}`;
  switch (subject.platform) {
    case 'darwin':
      return launchdService(subject, name);
    case 'win32':
      return windowsTask(subject, name);
    default:
      return systemdService(subject, name);
  }
}
