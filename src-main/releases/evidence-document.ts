/** Owns a machine's evidence as it lies in a store: whose word it is, and about which machine. */
import type { Trust } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { type EvidenceBundle, evidenceBundleSchema } from '../contract/evidence.ts';
import type { Signer } from '../secrets/signing-keys.ts';
import { signDocument, verifyDocument } from './signed-document.ts';
import { activeMachines } from './trust-document.ts';

const payloadType = 'application/vnd.slipway.evidence+json';
/** Two texts of 64 KiB, as JSON in Base64. */
export const maxEvidenceBytes = 1024 * 1024;

/** The bytes of a bundle, signed by the machine's own key. */
export function signEvidence(bundle: EvidenceBundle, machine: Signer): Buffer {
  return signDocument(payloadType, evidenceBundleSchema.parse(bundle), machine);
}

/** The bundle, if that machine signed it about itself. Throws `trust.signature_invalid`, `trust.untrusted`, `store.malformed`. */
export function verifyEvidence(
  bytes: Uint8Array,
  trust: Trust,
  { repositoryId, machineId }: { readonly repositoryId: string; readonly machineId: string },
): EvidenceBundle {
  const machines = activeMachines(trust, repositoryId).filter(machine => machine.machineId === machineId);
  const { value } = verifyDocument({
    bytes,
    payloadType,
    publicKeys: machines.map(machine => machine.publicKey),
    schema: evidenceBundleSchema,
    what: 'The evidence of a machine',
  });
  if (value.machineId === machineId && value.repositoryId === repositoryId) return value;
  throw new DomainError('trust.untrusted', 'The evidence is about another machine. It was refused.', { machineId });
}
