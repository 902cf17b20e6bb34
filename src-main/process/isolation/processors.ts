/** Owns which processors a step may use, where it may not use all. */
import { readFileSync } from 'node:fs';

/** Every number of a list such as `0-3,8`. Source: proc_pid_status(5), Cpus_allowed_list. */
export function processorsIn(list: string): number[] {
  return list.split(',').flatMap(part => {
    const [first = Number.NaN, last = first] = part.split('-').map(Number);
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
  });
}

/** The words before a program that keep it on `count` processors; none where there are no more than that. Linux alone. */
export function pinWords(taskset: string, count: number): string[] {
  const status = readFileSync('/proc/self/status', 'latin1');
  const allowed = processorsIn(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '');
  if (allowed.length <= count) return [];
  // From anywhere on: builds beside each other are not all to crowd the same few.
  const first = Math.floor(Math.random() * allowed.length);
  const chosen = Array.from({ length: count }, (_, index) => allowed[(first + index) % allowed.length]);
  return [taskset, '--cpu-list', chosen.join(',')];
}
