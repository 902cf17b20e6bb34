/** Owns what is known of a watched branch besides its revision: whether it is there, was rewritten, and what the remote's default is. */
import { z } from 'zod';
import { time } from './views/units.ts';

export const branchStateSchema = z.object({
  /** Null while the remote has the branch. */
  gone: z
    .object({
      sinceMs: time,
      /** Where it probably went: a branch that is where it was, else the remote's default. */
      successor: z.string().nullable(),
    })
    .nullable(),
  /** What the remote's HEAD names; null where it is not known. */
  defaultBranch: z.string().nullable(),
  /** The default before this one; null where it has not changed since the branch is watched. */
  formerDefault: z.object({ name: z.string(), untilMs: time }).nullable(),
  /** The last forced push: `to` does not come after `from`. */
  rewritten: z.object({ from: z.string(), to: z.string(), atMs: time }).nullable(),
});
export type BranchState = z.infer<typeof branchStateSchema>;

/** The data of the event `branch.changed`. */
export const branchChangeSchema = z.discriminatedUnion('change', [
  z.object({ change: z.literal('gone'), branch: z.string(), successor: z.string().nullable() }),
  z.object({ change: z.literal('back'), branch: z.string() }),
  z.object({ change: z.literal('rewritten'), branch: z.string(), from: z.string(), to: z.string() }),
  z.object({ change: z.literal('default'), branch: z.string(), from: z.string(), to: z.string() }),
  z.object({ change: z.literal('chosen'), branch: z.string(), from: z.string() }),
]);
export type BranchChange = z.infer<typeof branchChangeSchema>;

/** What happened, as a sentence. */
export function describeChange(change: BranchChange): string {
  const { branch } = change;
  switch (change.change) {
    case 'gone':
      return `The branch ${branch} is gone from the remote${change.successor === null ? '' : `; watch ${change.successor} instead, if it went there`}.`;
    case 'back':
      return `The branch ${branch} is back.`;
    case 'rewritten':
      return `A forced push replaced ${change.from.slice(0, 10)} by ${change.to.slice(0, 10)} on ${branch}; the new head is built.`;
    case 'default':
      return `The remote's default branch was ${change.from} and is ${change.to} now; ${branch} is still watched.`;
    case 'chosen':
      return `${branch} is watched in place of ${change.from}.`;
  }
}

/** The branch that a person may want to watch in place of this one; null where there is no reason to. */
export function otherBranch(branch: string, { gone, defaultBranch, formerDefault }: BranchState): string | null {
  if (gone !== null) return gone.successor;
  return formerDefault?.name === branch && defaultBranch !== branch ? defaultBranch : null;
}
