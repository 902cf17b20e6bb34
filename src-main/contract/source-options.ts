/** Owns what a person chooses about a repository's source: which version control it is, and what of it makes jobs or is fetched. */
import { z } from 'zod';

export const vcsSchema = z.enum(['git', 'svn']);
export type Vcs = z.infer<typeof vcsSchema>;

/** A folder or file below the root, as `git diff` names it. */
const pathSchema = z
  .string()
  .trim()
  .min(1, 'a path is needed')
  .max(500)
  .regex(/^(?!\/)(?!.*(?:^|\/)\.{1,2}(?:\/|$))[^\p{Cc}\\]+$/u, 'a path below the root, such as packages/api')
  .transform(path => path.replace(/\/+$/, ''));

export const sourceOptionsSchema = z.object({
  /** Only a change below one of these makes a job; empty for every change. */
  paths: z.array(pathSchema).max(50),
  /** Tags whose name matches make jobs, and the branch does not: `v*`. Null for the branch. */
  tags: z
    .string()
    .max(200)
    .regex(/^[^\p{Cc}\s~^:?[\\]+$/u, 'a pattern of tag names, such as v*')
    .nullable(),
  /** Every commit between two looks makes a job, the newest hundred at most. */
  everyCommit: z.boolean(),
  /** Git submodules are fetched, recursively. */
  submodules: z.boolean(),
  /** Files that Git LFS keeps are fetched in place of their pointers. */
  lfs: z.boolean(),
  /** What `svn:externals` name is fetched. */
  externals: z.boolean(),
});
export type SourceOptions = z.infer<typeof sourceOptionsSchema>;

export const defaultSourceOptions: SourceOptions = {
  paths: [],
  tags: null,
  everyCommit: false,
  submodules: false,
  lfs: false,
  externals: false,
};
