/** Owns a machine's signed report: whose word it is, and that it is not an old one. */
import { type MachineReport, machineReportSchema, type Trust } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import type { Signer } from '../secrets/signing-keys.ts';
import { signDocument, verifyDocument } from './signed-document.ts';
import { activeMachines } from './trust-document.ts';

const payloadType = 'application/vnd.slipway.report+json';

/** The bytes of a report, signed by the machine's own key. */
export function signReport(report: MachineReport, machine: Signer): Buffer {
  return signDocument(payloadType, machineReportSchema.parse(report), machine);
}

/**
 * The report, if an enrolled machine of that repository signed it about itself, and its sequence is at least `minSequence`
 * (the highest seen of that machine). Throws `trust.signature_invalid`, `trust.untrusted`, `trust.rollback_refused`,
 * `store.malformed`.
 */
export function verifyReport(
  bytes: Uint8Array,
  trust: Trust,
  { repositoryId, minSequence = 0 }: { readonly repositoryId: string; readonly minSequence?: number },
): MachineReport {
  const machines = activeMachines(trust, repositoryId);
  const { value: report, publicKey } = verifyDocument({
    bytes,
    payloadType,
    publicKeys: machines.map(machine => machine.publicKey),
    schema: machineReportSchema,
    what: 'A machine report',
  });
  const speaksOfItself = machines.some(
    machine =>
      machine.publicKey === publicKey && machine.machineId === report.machineId && machine.channel === report.channel,
  );
  if (!speaksOfItself || report.repositoryId !== repositoryId) {
    throw new DomainError(
      'trust.untrusted',
      `A report about machine ${report.machineId} was signed by another machine or for another place. It was ignored.`,
      { machineId: report.machineId },
    );
  }
  if (report.sequence < minSequence) {
    throw new DomainError(
      'trust.rollback_refused',
      `Machine ${report.machineId} reported ${minSequence} before; report ${report.sequence} is an old copy and was ignored.`,
      { machineId: report.machineId, sequence: report.sequence, minSequence },
    );
  }
  return report;
}
