/** Owns the types of the tables of repositories and of the logins to their servers. Columns are snake_case in SQL and camelCase here. */
import type { ColumnType, Generated } from 'kysely';
import type { GitAccessView } from '../../contract/git-access.ts';
import type { Vcs } from '../../contract/source-options.ts';
import type { Flag, JsonText } from './columns.ts';

export interface RepositoriesTable {
  id: string;
  name: string;
  vcs: Generated<Vcs>;
  url: string;
  branch: string;
  /** The current revision where it is not the newest job's, else null. */
  seenRevision: ColumnType<string | null, string | null | undefined, string | null>;
  checkupAt: number | null;
  nextPollAt: number;
  pollFailures: number;
  pollError: JsonText | null;
  /** What a person chose; null for the installation's. */
  pollIntervalMs: ColumnType<number | null, number | null | undefined, number | null>;
  addedAt: number;
  removedAt: number | null;
  /** What a person chose for its builds: `auto`, `none`, `bubblewrap`; null for what the installation has. */
  isolation: ColumnType<string | null, string | null | undefined, string | null>;
  /** How many of its jobs may run at once. */
  concurrency: Generated<number>;
  /** A newly polled revision cancels the polled ones that wait. */
  supersede: Generated<Flag>;
  /** How often a job that failed by itself is tried again by itself. */
  retryLimit: Generated<number>;
  /** Of how many of its newest builds the packs are kept; null for what the installation keeps. */
  keptBuilds: ColumnType<number | null, number | null | undefined, number | null>;
  /** What a person chose about its source, where that differs from the usual. */
  sourceOptions: ColumnType<JsonText | null, JsonText | null | undefined, JsonText | null>;
  /** What is known of its branch besides its revision; null before the first look. */
  branchState: ColumnType<JsonText | null, JsonText | null | undefined, JsonText | null>;
}

/** Tags that a repository had at the last look, with the commits that they led to. */
export interface SeenTagsTable {
  repositoryId: string;
  name: string;
  revision: string;
}

export interface GitAccessesTable {
  /** With its port, where that is not the scheme's own. */
  host: string;
  kind: GitAccessView['kind'];
  userName: string | null;
  /** Sealed under the master key, Base64; null where the person's own git is asked. */
  sealedToken: string | null;
  setAt: number;
}
