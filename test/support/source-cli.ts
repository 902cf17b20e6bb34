/** Owns running the command line from source against one data folder, as a person would: what it prints, or its error. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import type { z } from 'zod';

const cli = resolve(import.meta.dirname, '../../src-main/cli.ts');

/** Rejects with what the command said on stderr. */
export function commandsOn(data: string) {
  function slipway(args: readonly string[], input = ''): Promise<string> {
    return new Promise((done, fail) => {
      const child = execFile(
        process.execPath,
        [cli, ...args, '--data', data],
        { maxBuffer: 64 * 1024 * 1024 },
        (error, stdout, stderr) => (error ? fail(new Error(stderr)) : done(stdout)),
      );
      child.stdin?.end(input);
    });
  }
  const json = async <Shape extends z.ZodType>(shape: Shape, args: readonly string[], input?: string) =>
    shape.parse(JSON.parse(await slipway([...args, '--json'], input)));
  return { slipway, json };
}
