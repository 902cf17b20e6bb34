import { expect, test } from 'vitest';
import { buildStatement, parseBuildStatement } from '../../../src-main/artifacts/build-record.ts';
import { type BuildFacts, storeKeys } from '../../../src-main/contract/documents.ts';

const artifactId = 'a'.repeat(64);
const facts: BuildFacts = {
  buildId: '0199a1b2-0000-7000-8000-000000000001',
  repositoryId: '0199a1b2-0000-7000-8000-000000000002',
  repositoryUrl: 'https://example.org/team/app.git',
  revision: 'c'.repeat(40),
  branch: 'main',
  jobId: '0199a1b2-0000-7000-8000-000000000003',
  attempt: 2,
  platform: { os: 'linux', arch: 'x64', libc: 'glibc' },
  artifactId,
  pack: {
    digest: 'b'.repeat(64),
    kind: 'full',
    artifactId,
    baseArtifactId: null,
    sizeBytes: 123,
    infoHash: 'd'.repeat(40),
  },
  plan: { tool: 'node', steps: [{ run: 'npm ci' }] },
  tools: [{ name: 'node', version: 'v24.1.0', path: '/usr/bin/node' }],
  environmentNames: ['NODE_ENV'],
  environmentDigests: { NODE_ENV: 'e'.repeat(64) },
  sbom: { digest: 'f'.repeat(64), componentCount: 3 },
  startedAtMs: 1_700_000_000_123,
  finishedAtMs: 1_700_000_009_456,
};

test('a statement gives back the facts, also after JSON', () => {
  const statement: unknown = JSON.parse(JSON.stringify(buildStatement(facts)));
  expect(parseBuildStatement(statement)).toEqual(facts);
});

test('a record of before digests and SBOMs is read all the same', () => {
  const { environmentDigests: _digests, sbom: _sbom, ...older } = facts;
  expect(parseBuildStatement(buildStatement(older))).toEqual(older);
});

test('a statement is in-toto v1 with SLSA v1 provenance about the two blobs of the store', () => {
  const statement = buildStatement(facts);
  expect(statement._type).toBe('https://in-toto.io/Statement/v1');
  expect(statement.predicateType).toBe('https://slsa.dev/provenance/v1');
  expect(statement.subject.map(({ name, digest }) => ({ name, digest }))).toEqual([
    { name: storeKeys.fileList(artifactId), digest: { sha256: artifactId } },
    { name: storeKeys.pack(facts.pack.digest), digest: { sha256: facts.pack.digest } },
  ]);
  expect(statement.predicate.buildDefinition.resolvedDependencies[0]).toEqual({
    name: 'source',
    uri: `git+https://example.org/team/app.git@${facts.revision}`,
    digest: { gitCommit: facts.revision },
  });
});

test.each([
  ['https://user:token@example.org/a.git', 'https://example.org/a.git'],
  ['https://token@example.org/a.git', 'https://example.org/a.git'],
  ['ssh://git:password@example.org/a.git', 'ssh://git@example.org/a.git'],
  ['ssh://git@example.org/a.git', 'ssh://git@example.org/a.git'],
  ['git@example.org:a.git', 'git@example.org:a.git'],
  ['/srv/git/a', '/srv/git/a'],
])('of %s the record keeps %s', (repositoryUrl, kept) => {
  const statement = buildStatement({ ...facts, repositoryUrl });
  expect(parseBuildStatement(statement).repositoryUrl).toBe(kept);
  expect(JSON.stringify(statement)).not.toMatch(/token|password/);
});

test('what a later version adds is ignored', () => {
  const statement = buildStatement(facts);
  expect(parseBuildStatement({ ...statement, added: true })).toEqual(facts);
});

test.each([
  ['nothing', null],
  ['another predicate', { ...buildStatement(facts), predicateType: 'https://slsa.dev/provenance/v0.2' }],
  ['a missing subject', { ...buildStatement(facts), subject: [] }],
  ['an id that is none', buildStatement({ ...facts, buildId: 'x' })],
])('%s is refused', (_, payload) => {
  expect(() => parseBuildStatement(payload)).toThrow(expect.objectContaining({ code: 'artifact.malformed' }));
});
