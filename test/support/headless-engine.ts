/** Owns a headless engine as a process of its own, from source or from the build, spoken to over REST as a script would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import type { z } from 'zod';
import { dataFolder } from '../../src-main/domain/data-folder.ts';
import { readHostFile } from '../../src-main/host/host-file.ts';
import { isAlive } from './child-program.ts';
import { eventually } from './eventually.ts';

const root = resolve(import.meta.dirname, '../..');

export interface HeadlessEngine {
  readonly pid: number;
  /** Asks the API; `body` makes it a POST. Throws with the answer when it is a refusal. */
  ask<Answer>(schema: z.ZodType<Answer>, path: string, body?: unknown): Promise<Answer>;
  /** Sends a signal to the engine alone, as a crash or the system would. */
  signal(signal: NodeJS.Signals): void;
  readonly ended: Promise<unknown>;
}

/** Starts `slipway serve` on a data folder; resolves when it answers. Whoever starts it ends it. */
export async function startHeadlessEngine(
  data: string,
  options: { readonly from: 'source' | 'build'; readonly workers: number; readonly env?: NodeJS.ProcessEnv },
): Promise<HeadlessEngine> {
  const cli = join(root, options.from === 'source' ? 'src-main/cli.ts' : 'out/main/cli.js');
  const args = [cli, 'serve', '--port', '0', '--data', data, '--workers', String(options.workers)];
  const child: ChildProcess = spawn(process.execPath, args, {
    env: options.env ?? process.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const pid = child.pid ?? 0;
  const ended = once(child, 'exit');
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4_000);
  });
  const host = await eventually(
    async () => {
      if (!isAlive(pid)) throw new Error(`the engine ended: ${said}`);
      const found = await readHostFile(dataFolder(data));
      return found.pid === pid && found;
    },
    { what: 'the answer of the engine', timeoutMs: 60_000 },
  );
  return {
    pid,
    ended,
    signal: signal => {
      child.kill(signal);
    },
    async ask(schema, path, body) {
      const answer = await fetch(`http://127.0.0.1:${host.port}/api${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${host.token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const json: unknown = await answer.json();
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${JSON.stringify(json)}`);
      return schema.parse(json);
    },
  };
}
