/**
 * Owns kill points inside an agent's process: it dies by SIGKILL right before or after one of its calls that change a disk or start a
 * process. Loaded before anything else; armed by the environment, in a test alone.
 */
import childProcess from 'node:child_process';
import fs, { appendFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/** Points until the kill, two for each call: before it and after it. Zero: none. */
let left = Number(process.env.KILL_AT ?? '0');
const countFile = process.env.KILL_COUNT_FILE;
const folder = process.env.KILL_ROOT ?? '';

function point(name: string, side: 'before' | 'after'): void {
  if (left === 0 || --left > 0) return;
  if (countFile) appendFileSync(countFile, `${side} ${name}\n`);
  process.kill(process.pid, 'SIGKILL');
}

/** Whether a call is about the agent's own folder: the store is another machine. */
const isOwn = (args: readonly unknown[]) =>
  args.some(arg => typeof arg === 'string' && folder !== '' && arg.startsWith(folder));

function watchCalls(target: object, names: readonly string[], always: boolean): void {
  for (const name of names) {
    const original: unknown = Reflect.get(target, name);
    if (typeof original !== 'function') throw new Error(`there is no ${name}`);
    const watched = function (this: unknown, ...args: unknown[]): unknown {
      const counts = always || isOwn(args);
      if (counts) point(name, 'before');
      const result: unknown = Reflect.apply(original, this, args);
      if (!counts) return result;
      if (!(result instanceof Promise)) {
        point(name, 'after');
        return result;
      }
      return result.then((value: unknown) => {
        point(name, 'after');
        return value;
      });
    };
    Reflect.set(target, name, watched);
  }
}

watchCalls(fs.promises, ['rename', 'rm', 'symlink', 'mkdir', 'open', 'link', 'cp', 'chmod', 'truncate'], false);
watchCalls(childProcess, ['spawn'], true);
syncBuiltinESMExports();
