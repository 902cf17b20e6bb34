/** Owns the end of what a bench starts: the last thing first. */
import type { OnEnd } from '../../support/scratch-folder.ts';

export async function withEnds<Result>(work: (onEnd: OnEnd) => Promise<Result>): Promise<Result> {
  const ends: (() => void | Promise<void>)[] = [];
  try {
    return await work(end => {
      ends.push(end);
    });
  } finally {
    for (const end of ends.reverse()) await end();
  }
}
