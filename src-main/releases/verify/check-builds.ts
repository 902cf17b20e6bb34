/** Owns the check of build records and SBOMs: each signed, about the place where it lies, and all that it names is there. */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { parseBuildStatement } from '../../artifacts/build-record.ts';
import { maxSbomBytes, parseSbom } from '../../artifacts/sbom/sbom-document.ts';
import { type BuildFacts, idSchema, storeKeys } from '../../contract/documents.ts';
import { DomainError } from '../../contract/errors.ts';
import { verifyBuild } from '../build-document.ts';
import { maxDocumentBytes } from '../signed-document.ts';
import { activeReleaseKeys } from '../trust-document.ts';
import { assertSame, type StoreCheck, type Trusted, unknownName } from './store-check.ts';
import { assertStrictEnvelope } from './strict-envelope.ts';

const recordKey = /^builds\/([^/]+)\/([^/]+?)(\.sbom)?\.json$/;
const subjectsSchema = z.object({ subject: z.array(z.object({ name: z.string() })) });

function misplaced(key: string, what: string): DomainError {
  return new DomainError(
    'trust.untrusted',
    `${key} ${what}. Somebody put it in the wrong place; publish the build again.`,
    { key },
  );
}

/** The facts of a record, if it is signed and says what its place says. Throws `trust.*`, `store.malformed`, `artifact.malformed`. */
function readRecord(key: string, bytes: Uint8Array, { trust }: Trusted): BuildFacts {
  const statement = verifyBuild(bytes, trust, z.unknown());
  assertStrictEnvelope(bytes, activeReleaseKeys(trust));
  const facts = parseBuildStatement(statement);
  if (storeKeys.build(facts.repositoryId, facts.buildId) !== key) {
    throw misplaced(key, `is the record of build ${facts.buildId} of repository ${facts.repositoryId}`);
  }
  const names = subjectsSchema.parse(statement).subject.map(subject => subject.name);
  const expected = [storeKeys.fileList(facts.artifactId), storeKeys.pack(facts.pack.digest)];
  if (names.join('\n') !== expected.join('\n') || facts.pack.artifactId !== facts.artifactId) {
    throw misplaced(key, 'names other blobs than those whose digests it has');
  }
  return facts;
}

async function assertNamed(check: StoreCheck, facts: BuildFacts): Promise<void> {
  const list = storeKeys.fileList(facts.artifactId);
  if ((await check.store.head(list)) === null) {
    throw new DomainError(
      'store.not_found',
      `${list}, which it names, is missing in the store. Replicate the artifact again.`,
      { key: list },
    );
  }
  await check.assertPackIsThere(facts.pack);
}

async function checkSbom(check: StoreCheck, key: string, { sbom }: BuildFacts): Promise<void> {
  if (sbom === undefined) throw misplaced(key, 'is an SBOM that the build record does not name');
  const bytes = await check.read(key, maxSbomBytes);
  assertSame(key, createHash('sha256').update(bytes).digest('hex'), sbom.digest);
  const { components } = parseSbom(bytes);
  if (components.length !== sbom.componentCount)
    throw misplaced(key, 'lists another number of components than its record says');
}

/** Checks everything below `builds/`. Returns the facts of what held, by key. */
export async function checkBuilds(check: StoreCheck, trusted: Trusted): Promise<Map<string, BuildFacts>> {
  const builds = new Map<string, BuildFacts>();
  const sboms = new Set<string>();
  for await (const { key } of check.store.list('builds/')) {
    const [, repositoryId, buildId, suffix] = recordKey.exec(key) ?? [];
    if (!idSchema.safeParse(repositoryId).success || !idSchema.safeParse(buildId).success) {
      await check.of('builds', key, async () => unknownName(key));
    } else if (suffix !== undefined) {
      sboms.add(key);
    } else {
      const facts = await check.of('builds', key, async () => {
        const read = readRecord(key, await check.read(key, maxDocumentBytes), trusted);
        await assertNamed(check, read);
        return read;
      });
      if (facts !== null) builds.set(key, facts);
    }
  }
  for (const facts of builds.values()) {
    const key = storeKeys.sbom(facts.repositoryId, facts.buildId);
    const isThere = sboms.delete(key);
    if (isThere || facts.sbom !== undefined) await check.of('sboms', key, () => checkSbom(check, key, facts));
  }
  // One whose record is missing is what an attempt left that ended in between: nobody names it, and nobody reads it.
  return builds;
}
