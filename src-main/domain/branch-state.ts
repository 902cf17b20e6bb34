/** Owns what a look at a branch makes of its state, and which changes it tells of. No I/O. */
import type { BranchChange, BranchState } from '../contract/branch-state.ts';

/** What is kept of a branch. */
export interface KeptBranch extends BranchState {
  /** None of its revisions has been taken since it was chosen: the current revision is another branch's. */
  readonly isFresh: boolean;
}

export const unseenBranch: KeptBranch = {
  gone: null,
  defaultBranch: null,
  formerDefault: null,
  rewritten: null,
  isFresh: false,
};

/** What a look found; `defaultBranch` is null where the remote did not tell. */
export type BranchLook =
  | { readonly kind: 'there'; readonly defaultBranch: string | null }
  | { readonly kind: 'gone'; readonly defaultBranch: string | null; readonly successor: string | null }
  /** `to` became the current revision, and does not come after `from`. */
  | { readonly kind: 'rewritten'; readonly from: string; readonly to: string }
  /** The revision that it is at has become a job, or was one. */
  | { readonly kind: 'taken' };

export interface BranchOutcome {
  /** The same object where nothing is to be kept. */
  readonly state: KeptBranch;
  /** What a person is told. */
  readonly changes: readonly BranchChange[];
}

/** May be repeated: the same look tells of nothing twice. */
export function afterLook(state: KeptBranch, branch: string, look: BranchLook, now: number): BranchOutcome {
  switch (look.kind) {
    case 'taken':
      return { state: state.isFresh ? { ...state, isFresh: false } : state, changes: [] };
    case 'rewritten': {
      const { from, to } = look;
      if (state.rewritten?.from === from && state.rewritten.to === to) return { state, changes: [] };
      return {
        state: { ...state, rewritten: { from, to, atMs: now } },
        changes: [{ change: 'rewritten', branch, from, to }],
      };
    }
    case 'there': {
      const told = withDefault(state, branch, look.defaultBranch, now);
      if (told.state.gone === null) return told;
      return { state: { ...told.state, gone: null }, changes: [{ change: 'back', branch }, ...told.changes] };
    }
    case 'gone': {
      const told = withDefault(state, branch, look.defaultBranch, now);
      const { successor } = look;
      if (told.state.gone !== null && told.state.gone.successor === successor) return told;
      return {
        state: { ...told.state, gone: { sinceMs: told.state.gone?.sinceMs ?? now, successor } },
        changes: [{ change: 'gone', branch, successor }, ...told.changes],
      };
    }
  }
}

function withDefault(state: KeptBranch, branch: string, seen: string | null, now: number): BranchOutcome {
  const before = state.defaultBranch;
  if (seen === null || seen === before) return { state, changes: [] };
  if (before === null) return { state: { ...state, defaultBranch: seen }, changes: [] };
  return {
    state: { ...state, defaultBranch: seen, formerDefault: { name: before, untilMs: now } },
    changes: [{ change: 'default', branch, from: before, to: seen }],
  };
}

/** Where a branch that is gone probably went: one that is where it was, the default before others; else the default. */
export function successorOf(
  branches: readonly { readonly name: string; readonly revision: string }[],
  defaultBranch: string | null,
  lastRevision: string | null,
): string | null {
  const same = branches.filter(({ revision }) => revision === lastRevision).map(({ name }) => name);
  if (defaultBranch !== null && same.includes(defaultBranch)) return defaultBranch;
  return same.length === 1 ? (same[0] ?? null) : defaultBranch;
}
