/** Owns reading what a machine kept of a release that did not come up, from whichever store has it. */

import { machineReportSchema, storeKeys } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import type { EvidenceBundle } from '../contract/evidence.ts';
import { fromJson } from '../database/json-column.ts';
import { findMachine } from '../database/machines.ts';
import type { Engine } from '../engine.ts';
import { maxEvidenceBytes, verifyEvidence } from '../releases/evidence-document.ts';

/**
 * The newest evidence of a machine, or that of one release. Null where every release came up.
 * Throws `not_found`, `store.not_found` (it did not get there yet), `trust.*`.
 */
export async function machineEvidence(
  engine: Engine,
  { id, serial }: { readonly id: string; readonly serial?: number | undefined },
): Promise<EvidenceBundle | null> {
  const machine = await findMachine(engine.db, id);
  if (!machine) throw new DomainError('not_found', `There is no machine ${id}.`, { id });
  const wanted = serial ?? fromJson(machineReportSchema, machine.report)?.evidenceSerial ?? null;
  if (wanted === null) return null;
  const { repositoryId } = machine;
  const key = storeKeys.evidence(repositoryId, id, wanted);
  let failure: unknown = null;
  for (const store of await engine.stores.all()) {
    try {
      const found = await store.read(key, maxEvidenceBytes);
      if (found) return verifyEvidence(found.bytes, engine.trust.current, { repositoryId, machineId: id });
    } catch (error) {
      failure = error;
    }
  }
  throw (
    failure ??
    new DomainError(
      'store.not_found',
      `No store has the evidence of ${machine.name} about release ${wanted}. It lies on the machine, in the folder "evidence" of the agent's root.`,
      { key },
    )
  );
}
