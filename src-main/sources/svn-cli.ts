/** Owns the svn program: the only file that starts it, with an environment and a configuration that neither a person nor a repository can change. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CommandResult, runCommand } from '../process/run-command.ts';
import { findProgram } from './find-program.ts';
import type { GitLogin } from './remote-access.ts';

/** What Slipway asks svn to do; anything else is a mistake in our code, found by the compiler. */
export type SvnVerb = 'diff' | 'export' | 'info' | 'list' | 'log' | 'propget';

/** Variables that svn and the TLS code below it may see; SVN_SSH and a HOME with configuration are none of them. */
const passedOn = ['PATH', 'TMPDIR', 'TEMP', 'TMP', 'SYSTEMROOT', 'SystemRoot', 'SSL_CERT_FILE', 'SSL_CERT_DIR'];

const settings = [
  // No tunnel starts a program, whatever an external or a redirect asks for.
  'config:tunnels:ssh=false',
  'servers:global:http-timeout=60',
  'servers:global:store-passwords=no',
  'servers:global:store-plaintext-passwords=no',
];

export interface SvnRun {
  readonly verb: SvnVerb;
  /** Options of ours. */
  readonly options?: readonly string[];
  /** What came from outside, each made by `target`; always behind `--`. */
  readonly operands: readonly string[];
  /** Its password goes through stdin: arguments are seen by everybody. */
  readonly login: GitLogin | null;
  readonly signal?: AbortSignal;
  readonly timeoutMs: number;
  readonly maxOutputBytes?: number;
}

/**
 * Runs one svn command with an empty configuration folder of its own, and no prompts. A failing command is a result.
 *
 * Throws `toolchain.missing` when `svnPath` cannot be started.
 */
export async function runSvn(svnPath: string, run: SvnRun): Promise<CommandResult> {
  const { verb, options = [], operands, login } = run;
  const config = await mkdtemp(join(tmpdir(), 'slipway-svn-'));
  try {
    const env: NodeJS.ProcessEnv = {
      // Messages in English, file names as they are.
      LC_ALL: process.platform === 'linux' ? 'C.UTF-8' : 'en_US.UTF-8',
    };
    for (const name of passedOn) if (process.env[name] !== undefined) env[name] = process.env[name];
    return await runCommand({
      command: svnPath,
      args: [
        verb,
        '--non-interactive',
        '--no-auth-cache',
        `--config-dir=${config}`,
        ...settings.flatMap(setting => ['--config-option', setting]),
        ...(login === null ? [] : [`--username=${login.user}`, '--password-from-stdin']),
        ...options,
        '--',
        ...operands,
      ],
      cwd: config,
      env,
      timeoutMs: run.timeoutMs,
      ...(login === null ? {} : { input: Buffer.from(login.token) }),
      ...(run.signal === undefined ? {} : { signal: run.signal }),
      ...(run.maxOutputBytes === undefined ? {} : { maxOutputBytes: run.maxOutputBytes }),
    });
  } finally {
    await rm(config, { recursive: true, force: true });
  }
}

/** The absolute path of the svn program on the PATH, or null. */
export const findSvn = () => findProgram('svn');
