/** Owns what a person does with the logins of Git servers, and that repositories there which could not be read are looked at again. */

import type { GitAccess, GitAccessView } from '../contract/git-access.ts';
import type { Engine } from '../engine.ts';

function lookAgain(engine: Engine, host: string): void {
  for (const scheme of ['https', 'http']) engine.poller.lookAgain(`${scheme}://${host}`);
}

/** Throws `input.invalid`. */
export async function setGitAccess(
  engine: Engine,
  { host, access }: { readonly host: string; readonly access: GitAccess },
): Promise<GitAccessView> {
  const view = await engine.gitAccesses.set(host, access);
  lookAgain(engine, view.host);
  return view;
}

/** Throws `not_found`, `input.invalid`. */
export async function removeGitAccess(engine: Engine, host: string): Promise<void> {
  lookAgain(engine, await engine.gitAccesses.remove(host));
}
