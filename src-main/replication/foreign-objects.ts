/** Owns the question what in a store is not ours. It lists the store in whole, so it is asked only when a person asks. */
import { storeKeys, type Trust } from '../contract/documents.ts';
import type { Db } from '../database/open-database.ts';
import type { BlobStore } from '../stores/blob-store.ts';

interface Known {
  readonly packs: ReadonlySet<string>;
  readonly artifacts: ReadonlySet<string>;
  readonly repositories: ReadonlySet<string>;
  readonly builds: ReadonlySet<string>;
  readonly machines: ReadonlySet<string>;
}

async function readKnown(db: Db, trust: Trust): Promise<Known> {
  const packs = await db.selectFrom('packs').select(['digest', 'artifactId']).execute();
  // Those that were removed from the list have left what they built.
  const repositories = await db.selectFrom('repositories').select('id').execute();
  const builds = await db.selectFrom('builds').select(['id', 'repositoryId']).execute();
  const machines = await db.selectFrom('machines').select('id').execute();
  return {
    packs: new Set(packs.map(({ digest }) => digest)),
    artifacts: new Set(packs.map(({ artifactId }) => artifactId)),
    repositories: new Set(repositories.map(({ id }) => id)),
    builds: new Set(builds.map(({ id, repositoryId }) => `${repositoryId}/${id}`)),
    machines: new Set([...machines.map(({ id }) => id), ...trust.machines.map(({ machineId }) => machineId)]),
  };
}

/** Whether a key is one that this installation gives, to something that it knows. */
function isOurs(key: string, known: Known): boolean {
  if (key === storeKeys.trust) return true;
  const [folder, first = '', second = ''] = key.split('/');
  switch (folder) {
    case 'artifacts':
      return known.artifacts.has(/^([0-9a-f]{64})\.json$/.exec(key.slice('artifacts/'.length))?.[1] ?? '');
    case 'packs':
      return known.packs.has(/^([0-9a-f]{64})\.(?:tar\.zst|torrent)$/.exec(key.slice('packs/'.length))?.[1] ?? '');
    case 'builds':
      return known.builds.has(`${first}/${/^([0-9a-f-]{36})(?:\.sbom)?\.json$/.exec(second)?.[1] ?? ''}`);
    case 'channels':
      // Environments of earlier versions stay: a rollback names them again.
      return (
        known.repositories.has(first) &&
        /^[^/]+(?:\.json|\/env\/[0-9a-f]{64}\.age)$/.test(key.slice(folder.length + first.length + 2))
      );
    case 'machines':
      if (!known.repositories.has(first)) return false;
      return second.startsWith('seeder-') || known.machines.has(second.slice(0, 36));
    default:
      return false;
  }
}

/** The keys of a store that nothing here names, in their order. Throws `store.*`. */
export async function* foreignObjects(
  db: Db,
  store: BlobStore,
  trust: Trust,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const known = await readKnown(db, trust);
  for await (const { key } of store.list('')) {
    signal.throwIfAborted();
    if (!isOurs(key, known)) yield key;
  }
}
