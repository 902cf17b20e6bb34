/** Owns the git program: the only file that spawns it, with an environment and settings that no repository can change. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { availableParallelism, devNull, tmpdir } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { type CommandResult, runCommand } from '../process/run-command.ts';
import { findProgram } from './find-program.ts';

/** What Slipway asks git to do; anything else is a mistake in our code, found by the compiler. */
export type GitVerb =
  | 'cat-file'
  | 'config'
  | 'diff-tree'
  | 'fetch'
  | 'for-each-ref'
  | 'gc'
  | 'init'
  | 'log'
  | 'ls-files'
  | 'ls-remote'
  | 'ls-tree'
  | 'merge-base'
  | 'read-tree'
  | 'rev-list'
  | 'rev-parse'
  | 'status'
  | 'update-ref';

/** Variables that git and the TLS and proxy code below it may see; a GIT_DIR or an SSH agent of the user is none of them. */
const passedOn = [
  'PATH',
  'TMPDIR',
  'TEMP',
  'TMP',
  'SYSTEMROOT',
  'SystemRoot',
  'http_proxy',
  'https_proxy',
  'HTTPS_PROXY',
  'no_proxy',
  'NO_PROXY',
  'all_proxy',
  'ALL_PROXY',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
];

/** So many processes write the files of a checkout: to make one costs the kernel more than git. Source: git-config(1), checkout.workers. */
const checkoutWorkers = Math.min(8, availableParallelism());

const settings = [
  // `ext::` never, and ssh only for a remote that is reached so; a redirect or a submodule cannot bring them back.
  'protocol.allow=never',
  'protocol.http.allow=always',
  'protocol.https.allow=always',
  'protocol.file.allow=always',
  `core.hooksPath=${devNull}`,
  'core.fsmonitor=false',
  'core.protectNTFS=true',
  'core.protectHFS=true',
  'safe.directory=*',
  'transfer.fsckObjects=true',
  // Wrong in many old repositories and dangerous in none: dates, time zones and modes. Source: git-fsck(1).
  'fetch.fsck.badTimezone=ignore',
  'fetch.fsck.zeroPaddedFilemode=ignore',
  'fetch.fsck.missingSpaceBeforeDate=ignore',
  'fetch.fsck.missingSpaceBeforeEmail=ignore',
  'credential.helper=',
  'gc.autoDetach=false',
  `checkout.workers=${checkoutWorkers}`,
  // A server that sends less than this for two minutes hangs; a slow one that sends is waited for.
  'http.lowSpeedLimit=100',
  'http.lowSpeedTime=120',
];

function environment(extra: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  for (const name of passedOn) if (process.env[name] !== undefined) env[name] = process.env[name];
  return {
    ...env,
    // Messages are read by us, so they must not be translated.
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: devNull,
    GIT_ATTR_NOSYSTEM: '1',
    GIT_ASKPASS: '',
    SSH_ASKPASS: '',
    GIT_OPTIONAL_LOCKS: '0',
    // Replacement refs of a mirror would show other content than the revision's id says.
    GIT_NO_REPLACE_OBJECTS: '1',
    ...extra,
  };
}

export interface RemoteOptions {
  readonly settings: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export interface GitRun {
  readonly verb: GitVerb;
  /** Options of ours. */
  readonly options?: readonly string[];
  /** What came from outside: revisions, URLs, paths. Always behind `--end-of-options`. */
  readonly operands?: readonly string[];
  readonly gitDir?: string;
  readonly workTree?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** How the one remote of this run is reached, beside what holds for all: see remote-options.ts. */
  readonly remote?: RemoteOptions;
  readonly signal?: AbortSignal;
  readonly timeoutMs: number;
  readonly maxOutputBytes?: number;
  readonly input?: Uint8Array;
}

/**
 * Runs one git command in the temporary folder, so that no repository is found by accident. A failing command is a result.
 *
 * Throws `toolchain.missing` when `gitPath` cannot be started.
 */
export function runGit(gitPath: string, run: GitRun): Promise<CommandResult> {
  const { verb, options = [], operands = [], gitDir, workTree } = run;
  const separator = operands.length > 0 ? ['--end-of-options'] : [];
  const args = [
    '--no-pager',
    ...[...settings, ...(run.remote?.settings ?? [])].flatMap(setting => ['-c', setting]),
    ...(gitDir === undefined ? [] : [`--git-dir=${gitDir}`]),
    ...(workTree === undefined ? [] : [`--work-tree=${workTree}`]),
    verb,
    ...options,
    ...separator,
    ...operands,
  ];
  return runCommand({
    command: gitPath,
    args,
    cwd: workTree ?? tmpdir(),
    env: environment({ ...run.env, ...run.remote?.env }),
    timeoutMs: run.timeoutMs,
    ...(run.signal === undefined ? {} : { signal: run.signal }),
    ...(run.maxOutputBytes === undefined ? {} : { maxOutputBytes: run.maxOutputBytes }),
    ...(run.input === undefined ? {} : { input: run.input }),
  });
}

/** Beside the terminal, windows: a helper that would open one says no instead. Source: Git Credential Manager, "GCM_INTERACTIVE". */
const noPrompts = { GIT_TERMINAL_PROMPT: '0', GIT_ASKPASS: '', SSH_ASKPASS: '', GCM_INTERACTIVE: 'never', LC_ALL: 'C' };

/**
 * Asks the person's own credential helpers, with the person's own configuration and environment, and no prompts. `description` is
 * what git-credential(1) reads. A helper that has nothing is a result with another exit code than 0.
 */
export function askCredentialHelpers(gitPath: string, description: string, timeoutMs: number): Promise<CommandResult> {
  const own = Object.entries(process.env).filter(([name]) => !/^(GIT|SLIPWAY)_/.test(name));
  return runCommand({
    command: gitPath,
    args: ['credential', 'fill'],
    cwd: tmpdir(),
    env: { ...Object.fromEntries(own), ...noPrompts },
    timeoutMs,
    maxOutputBytes: 64 * 1024,
    input: Buffer.from(description),
  });
}

/**
 * Starts `git upload-pack`, which reads one request from its stdin and writes the answer to its stdout; the caller ends it.
 * `protocol` is the client's Git-Protocol header. Source: gitprotocol-http(5).
 */
export function startUploadPack(
  gitPath: string,
  options: { readonly folder: string; readonly advertise: boolean; readonly protocol: string | undefined },
): ChildProcessByStdio<Writable, Readable, null> {
  const { folder, advertise, protocol } = options;
  const version = protocol !== undefined && /^version=[012]$/.test(protocol) ? protocol : undefined;
  return spawn(
    gitPath,
    [
      ...settings.flatMap(setting => ['-c', setting]),
      'upload-pack',
      '--strict',
      '--stateless-rpc',
      ...(advertise ? ['--advertise-refs'] : []),
      folder,
    ],
    {
      cwd: tmpdir(),
      env: environment(version === undefined ? {} : { GIT_PROTOCOL: version }),
      stdio: ['pipe', 'pipe', 'ignore'],
      windowsHide: true,
    },
  );
}

/** The absolute path of the git program on the PATH, or null. */
export const findGit = (path?: string) => findProgram('git', path);
