/** Owns which commit a person means by a branch, a tag or a part of a commit id. */
import { DomainError } from '../contract/errors.ts';
import { findGit, runGit } from './git-cli.ts';
import { parseGitUrl } from './git-url.ts';
import { listRefs } from './list-refs.ts';
import { findGitFolder } from './local-repository.ts';
import { isRevision } from './ref-names.ts';

const timeoutMs = 60_000;

export interface NamedRevision {
  /** 40 hexadecimal digits. */
  readonly revision: string;
  /** The branch that was named, else the repository's default one. */
  readonly branch: string;
}

/**
 * The commit that `name` stands for in the repository at `url` (a URL or a path): a branch or a whole commit id; on this machine,
 * with git, whatever git takes for one (`v1.2`, `HEAD~1`, `3f2a9c1`).
 *
 * Throws `git.revision_missing`, `input.invalid`, and what `listRefs` throws.
 */
export async function resolveRevision(url: string, name: string): Promise<NamedRevision> {
  if (name === '' || name.startsWith('-') || name.length > 300 || /\p{Cc}/u.test(name)) {
    throw new DomainError('input.invalid', `${JSON.stringify(name.slice(0, 80))} cannot name a revision.`, {
      field: 'revision',
    });
  }
  const location = parseGitUrl(url);
  const { defaultBranch, branches } = await listRefs({ url, timeoutMs });
  const named = branches.find(branch => branch.name === name);
  if (named !== undefined) return { revision: named.revision, branch: named.name };
  const branch = defaultBranch ?? branches[0]?.name ?? 'main';
  if (isRevision(name)) return { revision: name, branch };
  const gitPath = location.transport === 'file' ? await findGit() : null;
  if (gitPath !== null) {
    const result = await runGit(gitPath, {
      verb: 'rev-parse',
      options: ['--verify', '--quiet', `${name}^{commit}`],
      gitDir: await findGitFolder(location.url),
      timeoutMs,
    });
    const revision = result.stdout.toString('utf8').trim();
    if (result.exitCode === 0 && isRevision(revision)) return { revision, branch };
  }
  throw new DomainError(
    'git.revision_missing',
    `${location.url} has no revision "${name}". Give a branch or a whole commit id.`,
    { url: location.url, revision: name },
  );
}
