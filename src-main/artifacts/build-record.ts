/** Owns the build record: an in-toto statement with SLSA v1 provenance. Knows no keys; the envelope is made elsewhere. */
import { z } from 'zod';
import {
  type BuildFacts,
  buildFactsSchema,
  packSchema,
  platformSchema,
  sha256Schema,
  storeKeys,
} from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';

/** Source: github.com/in-toto/attestation, spec/v1/statement.md. */
const statementType = 'https://in-toto.io/Statement/v1';
/** Source: https://slsa.dev/spec/v1.0/provenance */
const predicateType = 'https://slsa.dev/provenance/v1';
/** Names what the parameters mean; a change of their meaning takes a new name. */
const buildType = 'urn:slipway:build:v1';
/** One control center is one builder; which one is told by the key that signs. */
const builderId = 'urn:slipway:control-center:v1';
/** The envelope's payload type for any in-toto statement. Source: github.com/in-toto/attestation, spec/v1/envelope.md. */
export const statementPayloadType = 'application/vnd.in-toto+json';

/** Source: https://www.iana.org/assignments/media-types/application/vnd.cyclonedx+json */
const sbomMediaType = 'application/vnd.cyclonedx+json';

const gitRevision = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

const sourceSchema = z.object({
  name: z.literal('source'),
  uri: z.string().optional(),
  digest: z.object({ gitCommit: z.string() }).optional(),
});
const toolSchema = z.object({
  name: z.string(),
  uri: z.string(),
  annotations: z.object({ version: z.string(), path: z.string() }),
});

/** Beside the artifact, not part of it: SLSA's word for this is a byproduct. */
const sbomSchema = z.object({
  name: z.string(),
  mediaType: z.literal(sbomMediaType),
  digest: z.object({ sha256: sha256Schema }),
  annotations: z.object({ componentCount: z.number().int().nonnegative() }),
});

/** Fields that a later version adds are ignored, as SLSA asks of whoever reads provenance. */
const statementSchema = z.object({
  _type: z.literal(statementType),
  subject: z.tuple([
    z.object({ name: z.string(), digest: z.object({ sha256: sha256Schema }) }),
    z.object({
      name: z.string(),
      digest: z.object({ sha256: sha256Schema }),
      annotations: packSchema.omit({ digest: true, artifactId: true }),
    }),
  ]),
  predicateType: z.literal(predicateType),
  predicate: z.object({
    buildDefinition: z.object({
      buildType: z.literal(buildType),
      externalParameters: z.object({
        repository: z.string(),
        branch: z.string(),
        revision: z.string(),
        platform: platformSchema,
        environmentNames: z.array(z.string()),
        environmentDigests: z.record(z.string(), sha256Schema).optional(),
        plan: z.unknown(),
      }),
      internalParameters: z.object({
        repositoryId: z.string(),
        jobId: z.string(),
        attempt: z.number(),
        isolation: z.unknown().optional(),
        reusedBuildId: z.string().optional(),
      }),
      resolvedDependencies: z.tuple([sourceSchema], toolSchema),
    }),
    runDetails: z.object({
      builder: z.object({ id: z.string() }),
      metadata: z.object({ invocationId: z.string(), startedOn: z.iso.datetime(), finishedOn: z.iso.datetime() }),
      byproducts: z.tuple([sbomSchema]).optional(),
    }),
  }),
});
/** An in-toto v1 statement about one build: plain data, ready to be signed as JSON. */
export type BuildStatement = z.infer<typeof statementSchema>;

/** Build records go to stores that machines read; a password or token in a URL must not. */
function withoutPassword(repositoryUrl: string): string {
  if (!URL.canParse(repositoryUrl)) return repositoryUrl;
  const url = new URL(repositoryUrl);
  const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
  if (url.password === '' && !(isWeb && url.username !== '')) return repositoryUrl;
  url.password = '';
  if (isWeb) url.username = '';
  return url.href;
}

function sourceOf(repositoryUrl: string, revision: string): z.infer<typeof sourceSchema> {
  const isGit = gitRevision.test(revision);
  return {
    name: 'source',
    ...(URL.canParse(repositoryUrl) ? { uri: `${isGit ? 'git' : 'svn'}+${repositoryUrl}@${revision}` } : {}),
    ...(isGit ? { digest: { gitCommit: revision } } : {}),
  };
}

function sbomOf(facts: BuildFacts, sbom: NonNullable<BuildFacts['sbom']>): z.infer<typeof sbomSchema> {
  return {
    name: storeKeys.sbom(facts.repositoryId, facts.buildId),
    mediaType: sbomMediaType,
    digest: { sha256: sbom.digest },
    annotations: { componentCount: sbom.componentCount },
  };
}

/**
 * The statement of a build. Its subjects are the two blobs that came of it: the file list, whose digest is the artifact id, and
 * the full pack. A password or token in the repository's URL is left out.
 */
export function buildStatement(facts: BuildFacts): BuildStatement {
  const repository = withoutPassword(facts.repositoryUrl);
  const { digest, artifactId: _sameForBoth, ...pack } = facts.pack;
  return {
    _type: statementType,
    subject: [
      { name: storeKeys.fileList(facts.artifactId), digest: { sha256: facts.artifactId } },
      { name: storeKeys.pack(digest), digest: { sha256: digest }, annotations: pack },
    ],
    predicateType,
    predicate: {
      buildDefinition: {
        buildType,
        externalParameters: {
          repository,
          branch: facts.branch,
          revision: facts.revision,
          platform: facts.platform,
          environmentNames: facts.environmentNames,
          ...(facts.environmentDigests === undefined ? {} : { environmentDigests: facts.environmentDigests }),
          plan: facts.plan,
        },
        internalParameters: {
          repositoryId: facts.repositoryId,
          jobId: facts.jobId,
          attempt: facts.attempt,
          ...(facts.isolation === undefined ? {} : { isolation: facts.isolation }),
          ...(facts.reusedBuildId === undefined ? {} : { reusedBuildId: facts.reusedBuildId }),
        },
        resolvedDependencies: [
          sourceOf(repository, facts.revision),
          ...facts.tools.map(({ name, version, path }) => ({
            name,
            uri: `pkg:generic/${encodeURIComponent(name)}@${encodeURIComponent(version)}`,
            annotations: { version, path },
          })),
        ],
      },
      runDetails: {
        builder: { id: builderId },
        metadata: {
          invocationId: facts.buildId,
          startedOn: new Date(facts.startedAtMs).toISOString(),
          finishedOn: new Date(facts.finishedAtMs).toISOString(),
        },
        ...(facts.sbom === undefined ? {} : { byproducts: [sbomOf(facts, facts.sbom)] }),
      },
    },
  };
}

/**
 * Reads the facts back from a statement, whose signature the caller has checked. Throws `artifact.malformed` where it is no
 * build record of ours, or a newer kind.
 */
export function parseBuildStatement(payload: unknown): BuildFacts {
  const malformed = (error: z.ZodError) =>
    new DomainError(
      'artifact.malformed',
      `The build record is not one that this version can read: ${z.prettifyError(error).slice(0, 500)}. Update Slipway on this machine, or build the revision again.`,
    );
  const statement = statementSchema.safeParse(payload);
  if (!statement.success) throw malformed(statement.error);
  const { subject, predicate } = statement.data;
  const [list, pack] = subject;
  const { externalParameters, internalParameters, resolvedDependencies } = predicate.buildDefinition;
  const { metadata, byproducts } = predicate.runDetails;
  const [sbom] = byproducts ?? [];
  const [, ...tools] = resolvedDependencies;
  const artifactId = list.digest.sha256;
  const { repository, ...parameters } = externalParameters;
  const facts = buildFactsSchema.safeParse({
    buildId: metadata.invocationId,
    ...internalParameters,
    repositoryUrl: repository,
    ...parameters,
    artifactId,
    pack: { digest: pack.digest.sha256, artifactId, ...pack.annotations },
    tools: tools.map(tool => ({ name: tool.name, ...tool.annotations })),
    ...(sbom === undefined ? {} : { sbom: { digest: sbom.digest.sha256, ...sbom.annotations } }),
    startedAtMs: Date.parse(metadata.startedOn),
    finishedAtMs: Date.parse(metadata.finishedOn),
  });
  if (!facts.success) throw malformed(facts.error);
  return facts.data;
}
