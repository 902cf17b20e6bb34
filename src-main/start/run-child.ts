/** Owns a child that stands for this process: it gets our signals, and its exit code becomes ours. */
import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';

const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Whether the child needs a signal from us. A terminal sends Ctrl-C to every process of the foreground group, and
 * npm passes it on once more: a second one would cut the child's good order short.
 */
export function mustForward(signal: NodeJS.Signals, facts: { readonly terminal: boolean; readonly repeated: boolean }) {
  if (facts.repeated) return false;
  return signal !== 'SIGINT' || (!facts.terminal && process.platform !== 'win32');
}

/** Waits for the end of `child`; gives its exit code, 128 + n for a signal, as shells do. Rejects when it cannot be started. */
export async function runToEnd(child: ChildProcess): Promise<number> {
  const seen = new Set<NodeJS.Signals>();
  const forward = (signal: NodeJS.Signals) => {
    if (mustForward(signal, { terminal: process.stdin.isTTY === true, repeated: seen.has(signal) })) child.kill(signal);
    seen.add(signal);
  };
  for (const signal of forwarded) process.on(signal, forward);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
    });
  } finally {
    for (const signal of forwarded) process.off(signal, forward);
  }
}
