/** Owns the handles that whoever started Slipway left open in it, which no build may have. */
import { closeSync, readdirSync, readFileSync } from 'node:fs';

/** Source: fcntl.h of Linux; the `flags` line of /proc/pid/fdinfo is octal. Source: proc_pid_fdinfo(5). */
const closeOnExec = 0o2000000;

/**
 * Descriptors from 3 on that a child would inherit. Node marks its own, and at its start those of its parent up to the first
 * gap above 15; what lies beyond goes on to every child. Empty where there is no /proc; macOS closes them by itself in a spawn.
 */
export function inheritableHandles(): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc/self/fdinfo')
    .map(Number)
    .filter(fd => {
      if (fd <= 2) return false;
      try {
        const [, flags] = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')) ?? [];
        return flags !== undefined && (Number.parseInt(flags, 8) & closeOnExec) === 0;
      } catch {
        // It was the handle of the listing itself.
        return false;
      }
    });
}

/**
 * Closes them. For the beginning of a process of our own in plain Node, where nobody else knows them; Electron starts its
 * processes with such handles of its own, so there they stay, and a step gets nothing in their place.
 */
export function closeInheritedHandles(): void {
  if ('electron' in process.versions) return;
  for (const fd of inheritableHandles()) closeSync(fd);
}
