/** Owns what makes the machine take a release that was switched to: a command, a systemd unit, or a signal. */
import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { SwitchHook } from '../contract/activation.ts';
import { DomainError, messageOf } from '../contract/errors.ts';
import { type CommandResult, runCommand } from '../process/run-command.ts';
import type { AgentFolder } from './agent-folder.ts';

const hookTimeoutMs = 120_000;
const maxOutputBytes = 64 * 1024;
const unitLogLines = 200;

export interface HookPlace {
  readonly folder: AgentFolder;
  /** The whole environment of the release's processes. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

function notTaken(message: string, details: Record<string, unknown>): DomainError {
  return new DomainError('agent.start_failed', message, details);
}

async function run(place: HookPlace, command: string, args: readonly string[], what: string): Promise<CommandResult> {
  try {
    return await runCommand({
      command,
      args,
      cwd: place.folder.current,
      env: { ...place.env },
      signal: place.signal,
      timeoutMs: hookTimeoutMs,
      maxOutputBytes,
    });
  } catch (error) {
    throw notTaken(`${what} could not be run: ${messageOf(error)}`, { command });
  }
}

function assertDone({ outcome, exitCode, signal, stderr }: CommandResult, what: string): void {
  if (outcome === 'exited' && exitCode === 0) return;
  const how =
    outcome === 'timed_out'
      ? `took more than ${hookTimeoutMs / 1_000} s`
      : `ended with ${signal === null ? `exit code ${exitCode}` : `signal ${signal}`}`;
  const words = stderr.toString('utf8').trim().slice(-500);
  throw notTaken(`${what} ${how}${words === '' ? '' : `: ${words}`}.`, { exitCode, signal });
}

/** The manager of this user's units: root's is the system's. */
const systemctl = (...args: string[]) => (process.getuid?.() === 0 ? args : ['--user', ...args]);

/** What the user's manager is found by. */
function managerEnvironment(place: HookPlace): HookPlace {
  const own = ['XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS'].flatMap((name): [string, string][] => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return { ...place, env: { ...place.env, ...Object.fromEntries(own) } };
}

async function sendSignal(hook: Extract<SwitchHook, { kind: 'signal' }>, folder: AgentFolder): Promise<void> {
  const file = isAbsolute(hook.pidFile) ? hook.pidFile : join(folder.root, hook.pidFile);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw notTaken(`The pid file ${file} cannot be read: ${messageOf(error)}`, { file });
  });
  const pid = /^\s*(\d{1,10})\s*$/.exec(text)?.[1];
  // 0 and 1 are groups and init, and never a program that was deployed.
  if (pid === undefined || Number(pid) < 2 || Number(pid) === process.pid) {
    throw notTaken(`The pid file ${file} holds no process id.`, { file });
  }
  try {
    process.kill(Number(pid), `SIG${hook.signal}`);
  } catch (error) {
    throw notTaken(`Process ${pid} of ${file} cannot be signalled: ${messageOf(error)}`, { file, pid: Number(pid) });
  }
}

/** Does it. May be repeated. Throws `agent.start_failed`. */
export async function runHook(hook: SwitchHook, place: HookPlace): Promise<void> {
  switch (hook.kind) {
    case 'command': {
      const [file, args] =
        process.platform === 'win32'
          ? ['cmd.exe', ['/d', '/s', '/c', hook.command]]
          : ['/bin/sh', ['-c', hook.command]];
      assertDone(await run(place, file, args, 'The command of the switch'), 'The command of the switch');
      return;
    }
    case 'unit': {
      const what = `systemctl restart ${hook.unit}`;
      const result = await run(managerEnvironment(place), 'systemctl', systemctl('restart', '--', hook.unit), what);
      assertDone(result, what);
      return;
    }
    case 'signal':
      await sendSignal(hook, place.folder);
  }
}

/** What is wrong with the unit now; null where it runs. */
export async function unitProblem(unit: string, place: HookPlace): Promise<string | null> {
  const what = `systemctl is-active ${unit}`;
  const { exitCode, stdout } = await run(
    managerEnvironment(place),
    'systemctl',
    systemctl('is-active', '--', unit),
    what,
  );
  return exitCode === 0 ? null : `${unit} is ${stdout.toString('utf8').trim() || 'not active'}`;
}

/** The unit's last lines in the journal; null where there are none to be had. */
export async function unitLog(unit: string, place: HookPlace): Promise<string | null> {
  const args = [...systemctl(), '-u', unit, '-n', String(unitLogLines), '--no-pager', '-o', 'short-iso'];
  const result = await run(managerEnvironment(place), 'journalctl', args, 'journalctl').catch(() => null);
  return result?.exitCode === 0 ? result.stdout.toString('utf8') : null;
}
