/** Owns the port behind a mirror: what the git program and isomorphic-git each do to one folder. */

export interface Commit {
  readonly subject: string;
  readonly authorName: string;
  readonly authoredAtMs: number;
  readonly committedAtMs: number;
  /** Names the content of every file of the commit, and nothing of its history. */
  readonly treeId: string;
}

export interface FetchRequest {
  /** Null takes every branch: only to rebuild a mirror for a revision whose branch is not known. */
  readonly branch: string | null;
  readonly revision?: string;
  readonly pinRef?: string;
  readonly signal?: AbortSignal;
}

export interface CheckoutRequest {
  readonly revision: string;
  readonly targetFolder: string;
  readonly signal?: AbortSignal;
}

export interface CheckoutResult {
  readonly files?: number;
  readonly via: 'git' | 'isomorphic-git' | 'svn';
}

/** All take the mirror's folder; all may throw `MirrorDamaged` besides what `Mirror` documents. */
export interface MirrorBackend {
  fetch(folder: string, request: FetchRequest): Promise<{ readonly revision: string }>;
  readCommit(folder: string, revision: string): Promise<Commit>;
  /** `branch` says where history that is missing here is to be fetched from; null for every branch. */
  isAncestor(folder: string, ancestor: string, descendant: string, branch: string | null): Promise<boolean>;
  changedPaths(folder: string, from: string, to: string, branch: string | null): Promise<string[]>;
  commitsBetween(folder: string, from: string, to: string, limit: number): Promise<string[]>;
  checkout(folder: string, request: CheckoutRequest): Promise<CheckoutResult>;
  /** Takes over what it can of the pinned revisions of a damaged mirror. Fails silently. */
  salvagePins(damaged: string, folder: string): Promise<void>;
}

/** The mirror itself is at fault, not the remote and not the request: it is to be made anew. */
export class MirrorDamaged extends Error {
  override readonly name = 'MirrorDamaged';
}
