/** Owns running the built command line as a person would: real processes, ended and waited for by whoever started them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';

export const projectRoot = resolve(import.meta.dirname, '../..');
const cli = join(projectRoot, 'out/main/cli.js');

export interface CommandOutcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `slipway …` to its end. */
export function slipway(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<CommandOutcome> {
  return new Promise((resolveOutcome, reject) => {
    const child = spawn(process.execPath, [cli, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', text => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', exitCode => resolveOutcome({ exitCode, stdout, stderr }));
  });
}

export interface LongCommand {
  readonly process: ChildProcess;
  /** The first line on stdout that matches, or a failure with all that was said. */
  line(pattern: RegExp): Promise<RegExpExecArray>;
  stop(): Promise<void>;
}

/** Starts `slipway …` and leaves it running. */
export function startSlipway(args: readonly string[], env: NodeJS.ProcessEnv = process.env): LongCommand {
  const child = spawn(process.execPath, [cli, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const listeners = new Set<() => void>();
  const hear = (text: string) => {
    said += text;
    for (const listener of listeners) listener();
  };
  child.stdout.setEncoding('utf8').on('data', hear);
  child.stderr.setEncoding('utf8').on('data', hear);
  const exited = new Promise<void>(resolveExit => child.once('close', () => resolveExit()));
  return {
    process: child,
    line: pattern =>
      new Promise((resolveLine, reject) => {
        const look = () => {
          const found = pattern.exec(said);
          if (!found) return;
          listeners.delete(look);
          resolveLine(found);
        };
        listeners.add(look);
        void exited.then(() => reject(new Error(`slipway ${args[0]} ended without ${pattern}:\n${said}`)));
        look();
      }),
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
