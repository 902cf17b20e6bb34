/** Owns the record by which one machine alone migrates for a release: whose word it takes, and when its holder is lost. */
import type { Migration } from '../contract/activation.ts';
import { type MigrationRecord, migrationRecordSchema, type Trust } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import type { Signer } from '../secrets/signing-keys.ts';
import { signDocument, verifyDocument } from './signed-document.ts';
import { activeMachines, activeReleaseKeys } from './trust-document.ts';

const payloadType = 'application/vnd.slipway.migration+json';
/** Long enough for a store that does not answer for a moment; after it a migration is in nobody's hands. */
export const migrationLeaseMs = 60_000;
export const maxMigrationBytes = 64 * 1024;

/** The bytes of a record, signed by a machine or a control center. */
export function signMigration(record: MigrationRecord, signer: Signer): Buffer {
  return signDocument(payloadType, migrationRecordSchema.parse(record), signer);
}

/**
 * The record, if a control center or a machine of that channel signed it, and it is about that release. A machine speaks of its own
 * migration, or says that another's is interrupted; that one is waiting or skipped is a control center's word.
 * Throws `trust.signature_invalid`, `trust.untrusted`, `store.malformed`.
 */
export function verifyMigration(
  bytes: Uint8Array,
  trust: Trust,
  about: { readonly repositoryId: string; readonly channel: string; readonly releaseId: string },
): MigrationRecord {
  const { repositoryId, channel, releaseId } = about;
  const machines = activeMachines(trust, repositoryId).filter(machine => machine.channel === channel);
  const { value: record, publicKey } = verifyDocument({
    bytes,
    payloadType,
    publicKeys: [...activeReleaseKeys(trust), ...machines.map(machine => machine.publicKey)],
    schema: migrationRecordSchema,
    what: 'The record of a migration',
  });
  const machine = machines.find(candidate => candidate.publicKey === publicKey);
  const isItsWord =
    machine === undefined ||
    record.state === 'interrupted' ||
    (record.machineId === machine.machineId && record.state !== 'pending' && record.state !== 'skipped');
  const isAboutIt =
    record.repositoryId === repositoryId && record.channel === channel && record.releaseId === releaseId;
  if (isItsWord && isAboutIt) return record;
  throw new DomainError(
    'trust.untrusted',
    `The record of release ${releaseId}'s migration is about another release, or says what its signer may not. It was refused; check who may write to the store.`,
    { releaseId },
  );
}

/** Whether a migration that was cut may be begun again without asking. */
export function mayRepeat(migrations: readonly Migration[]): boolean {
  return migrations.every(migration => migration.idempotent);
}

/** Watches holders: one whose count of renewals stands still for its lease, by the watcher's own monotonic clock, is lost. */
export function createLeaseWatch(nowMs: () => number = () => performance.now()) {
  const seen = new Map<string, { readonly content: string; readonly atMs: number }>();
  return {
    isLost({ releaseId, token, beat, leaseMs, state }: MigrationRecord): boolean {
      if (state !== 'running') {
        seen.delete(releaseId);
        return false;
      }
      const content = `${token} ${beat}`;
      const known = seen.get(releaseId);
      if (known?.content !== content) {
        seen.set(releaseId, { content, atMs: nowMs() });
        return false;
      }
      // A renewal may be as late as the lease allows, and the watcher looks only now and then.
      return nowMs() - known.atMs > leaseMs;
    },
  };
}
export type LeaseWatch = ReturnType<typeof createLeaseWatch>;
