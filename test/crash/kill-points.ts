/**
 * Owns kill points inside a process: armed, it kills its own process with SIGKILL right before or after one of its next
 * statements of SQLite, so that a kill falls into a transaction as often as beside one. Loaded before anything opens a
 * database; in a process with a database thread both load it, and the arming of one reaches the other.
 */
import { BroadcastChannel } from 'node:worker_threads';
import BetterSqlite3 from 'better-sqlite3';
import { folderVariable, placesIn } from './places.ts';
import { appendLine } from './side-log.ts';

const channel = new BroadcastChannel('kill-points');
/** Points until the kill; one lies before and one after each statement. Zero: not armed. */
let left = 0;

function point(source: unknown, side: 'before' | 'after'): void {
  if (left === 0) return;
  left -= 1;
  if (left > 0) return;
  const folder = process.env[folderVariable];
  if (folder) appendLine(placesIn(folder).killPoints, `${side} ${String(source).replace(/\s+/g, ' ').slice(0, 60)}`);
  process.kill(process.pid, 'SIGKILL');
}

function arm(points: number): void {
  left = points;
}

/** Kills this process at the point that is `points` away, in whichever of its threads that is. */
export function armKillPoint(points: number): void {
  arm(points);
  channel.postMessage(points);
}

function watchStatements(): void {
  const probe = new BetterSqlite3(':memory:');
  const prototype: object = Object.getPrototypeOf(probe.prepare('select 1'));
  probe.close();
  for (const name of ['run', 'get', 'all'] as const) {
    const original: unknown = Reflect.get(prototype, name);
    if (typeof original !== 'function') throw new Error(`statements have no ${name}`);
    const watched = function (this: object, ...args: unknown[]): unknown {
      const source: unknown = Reflect.get(this, 'source');
      point(source, 'before');
      const result: unknown = Reflect.apply(original, this, args);
      point(source, 'after');
      return result;
    };
    if (!Reflect.set(prototype, name, watched)) throw new Error(`${name} of statements cannot be watched`);
  }
}

watchStatements();
channel.onmessage = event => {
  const points: unknown = Reflect.get(Object(event), 'data');
  if (typeof points === 'number') arm(points);
};
channel.unref();
