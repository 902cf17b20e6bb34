/** Owns what an agent keeps on disk: the last releases for rollback, the packs that it seeds, and no debris. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentFolder } from './agent-folder.ts';
import type { Installed, StateFile } from './agent-state.ts';
import { removeLinkedReleases } from './linked-files.ts';

const keptReleases = 5;
/** Small; a rollback may have needed an older one meanwhile. */
const keptEnvironments = 2 * keptReleases;

/** The two packs that are worth seeding: of what runs, and of what ran before. */
export function seededPacks(state: StateFile): readonly Installed[] {
  const { current, previous } = state.value;
  const both = [current, previous].filter(installed => installed !== null);
  return both.filter((installed, index) => both.findIndex(other => other.infoHash === installed.infoHash) === index);
}

/** The artifacts to keep, the latest first, with `artifactId` at the front. The last five. */
export function keptWith(kept: readonly string[], artifactId: string): string[] {
  return [artifactId, ...kept.filter(other => other !== artifactId)].slice(0, keptReleases);
}

/**
 * Removes what nothing needs any more: releases beyond the kept ones, half-made ones, packs of neither the current nor
 * the previous release, older environments. `prepared` is kept too. `linkFiles` is whether releases have files in common. `beforePackRemoved` gets the digest of each pack first. Call it only
 * between activations.
 */
export async function removeUnneeded(
  folder: AgentFolder,
  state: StateFile,
  prepared: Installed | null,
  linkFiles: boolean,
  beforePackRemoved: (digest: string) => void,
): Promise<void> {
  const { current, previous, kept } = state.value;
  const installed = [current, previous, prepared].filter(release => release !== null);
  const artifacts = new Set([...kept, ...installed.map(release => release.artifactId)]);
  const unneeded = (await readdir(folder.releases)).filter(name => !artifacts.has(name));
  if (linkFiles) await removeLinkedReleases(folder, unneeded, [...artifacts]);
  for (const name of unneeded) await rm(join(folder.releases, name), { recursive: true, force: true });
  for (const name of await readdir(folder.lists)) {
    if (!artifacts.has(name.slice(0, 64))) await rm(join(folder.lists, name), { force: true });
  }
  const packs = new Set(installed.map(release => release.packDigest));
  for (const name of await readdir(folder.packs)) {
    const digest = name.slice(0, 64);
    if (packs.has(digest)) continue;
    beforePackRemoved(digest);
    await rm(join(folder.packs, name), { force: true });
  }
  await removeOldEnvironments(folder, new Set(installed.map(release => `${release.environmentDigest}.env`)));
}

/** Those of the last releases stay, so that going back to one of them needs no store. */
async function removeOldEnvironments(folder: AgentFolder, needed: ReadonlySet<string>): Promise<void> {
  const files = await Promise.all(
    (await readdir(folder.environments)).map(async name => {
      const path = join(folder.environments, name);
      return { name, path, writtenAtMs: (await stat(path)).mtimeMs };
    }),
  );
  const newestFirst = files.sort((one, other) => other.writtenAtMs - one.writtenAtMs);
  for (const { name, path } of newestFirst.slice(keptEnvironments)) {
    if (!needed.has(name)) await rm(path, { force: true });
  }
}

/** Removes trees that a killed agent was unpacking or replacing. */
export async function removeHalfMade(folder: AgentFolder): Promise<void> {
  for (const name of await readdir(folder.releases)) {
    if (name.includes('.tmp-')) await rm(join(folder.releases, name), { recursive: true, force: true });
  }
}
