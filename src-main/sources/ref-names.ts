/** Owns which branch names and revisions are taken at all: both come from outside and go to git and into file names. */
import { DomainError } from '../contract/errors.ts';

/** Whether git accepts this as a branch's name. Source: git-check-ref-format(1). */
export function isBranchName(name: string): boolean {
  if (name === '' || name === '@' || name.length > 255 || name.startsWith('-')) return false;
  if (/[\p{Cc} ~^:?*[\\]|\.\.|@\{|\/\/|^\/|\/$|\.$/u.test(name)) return false;
  return name.split('/').every(part => !part.startsWith('.') && !part.endsWith('.lock'));
}

/** Throws `input.invalid` for what no branch can be called. */
export function assertBranchName(name: string): void {
  if (isBranchName(name)) return;
  throw new DomainError(
    'input.invalid',
    `${JSON.stringify(name)} is not a name that a Git branch can have. Choose one of the repository's branches.`,
    {
      field: 'branch',
    },
  );
}

/** Whether this is a whole SHA-1 commit id; SHA-256 repositories are not read. */
export function isRevision(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}

/** Throws `input.invalid` for anything but a whole commit id. */
export function assertRevision(revision: string): void {
  if (isRevision(revision)) return;
  throw new DomainError(
    'input.invalid',
    `${JSON.stringify(revision.slice(0, 80))} is not a commit id of 40 hexadecimal digits.`,
    {
      field: 'revision',
    },
  );
}
