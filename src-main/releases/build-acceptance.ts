/**
 * Owns the signature of a build record: the engine signs what a worker's running attempt has made, in a process that runs nothing of a
 * repository. Whose build it is comes from the database; what was built and with what is the worker's word.
 */
import { buildStatement } from '../artifacts/build-record.ts';
import { type BuildFacts, storeKeys } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { fenced } from '../database/job-queue.ts';
import { findJob, type JobRecord } from '../database/jobs.ts';
import type { Db } from '../database/open-database.ts';
import { findRepository } from '../database/repositories.ts';
import type { Signer } from '../secrets/signing-keys.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import { signBuild } from './build-document.ts';

/** A record beyond this could not be read back: `maxDocumentBytes` of a signed document, less its Base64. */
const maxStatementBytes = 5 * 1024 * 1024;

export interface BuildAcceptance {
  /**
   * Signs the record of a build and puts it into the main store; when it resolves, it lies there. The job is not ended by it: that is
   * the worker's own fenced transaction, so a record without a finished job is a build that nobody names.
   * Throws `job.fenced`, `conflict` (the facts do not fit), `store.*`.
   */
  accept(workerId: string, facts: BuildFacts): Promise<void>;
}

export function createBuildAcceptance(options: {
  readonly db: Db;
  readonly main: BlobStore;
  readonly releaseKey: Signer;
}): BuildAcceptance {
  const { db, main, releaseKey } = options;

  async function runningJob(workerId: string, { jobId, attempt }: BuildFacts): Promise<JobRecord> {
    const job = await findJob(db, jobId);
    if (job?.status !== 'running' || job.attempt !== attempt || job.workerId !== workerId) {
      throw fenced({ jobId, attempt, workerId });
    }
    return job;
  }

  /** Reads no pack: its writer held it to its digest on the way in, and `slipway verify` reads it back. */
  async function assertStored({ buildId, repositoryId, pack, artifactId, sbom }: BuildFacts): Promise<void> {
    const expected = [
      { key: storeKeys.pack(pack.digest), sizeBytes: pack.sizeBytes },
      { key: storeKeys.fileList(artifactId), sizeBytes: null },
      { key: storeKeys.torrent(pack.digest), sizeBytes: null },
      ...(sbom === undefined ? [] : [{ key: storeKeys.sbom(repositoryId, buildId), sizeBytes: null }]),
    ];
    for (const { key, sizeBytes } of expected) {
      const head = await main.head(key);
      if (head === null || (sizeBytes !== null && head.sizeBytes !== sizeBytes)) {
        throw new DomainError(
          'store.not_found',
          `${key} is not whole in the main store, so the build was not recorded. It is built again.`,
          { key },
        );
      }
    }
  }

  return {
    async accept(workerId, told) {
      const job = await runningJob(workerId, told);
      const repository = await findRepository(db, job.repositoryId);
      if (repository === null) throw new DomainError('job.cancelled', 'Its repository was removed.');
      const facts: BuildFacts = {
        ...told,
        repositoryId: job.repositoryId,
        repositoryUrl: repository.url,
        branch: repository.branch,
        revision: job.revision,
      };
      if (facts.pack.artifactId !== facts.artifactId || facts.pack.kind !== 'full') {
        throw new DomainError(
          'conflict',
          'The pack of the build is not a full pack of its artifact. It was not recorded.',
        );
      }
      await assertStored(facts);
      const statement = buildStatement(facts);
      if (Buffer.byteLength(JSON.stringify(statement)) > maxStatementBytes) {
        throw new DomainError(
          'artifact.too_large',
          'The build record would have more than 5 MiB. Shorten the plan in slipway.yml.',
        );
      }
      const bytes = signBuild(statement, releaseKey);
      const key = storeKeys.build(facts.repositoryId, facts.buildId);
      // A record is written once: no later attempt can put another in its place.
      await main.put(key, { kind: 'bytes', bytes }, { ifVersion: null });
    },
  };
}
