/** Owns how a machine becomes one of the installation: invited with a one-time code, and enrolled by what it wrote with it. */

import { DomainError } from '../contract/errors.ts';
import type { Pairing as PairingView } from '../contract/views/machine.ts';
import { appendEvent } from '../database/events.ts';
import { insertMachine, type MachineRecord, updateMachine } from '../database/machines.ts';
import type { Db } from '../database/open-database.ts';
import type { Clock } from '../domain/clock.ts';
import { openSealed, seal } from '../secrets/seal.ts';
import { createPairing, formatPairing, verifyEnrollRequest } from './enrollment.ts';

/** A pairing code lies about in a terminal's history: it is worth nothing after an hour. */
const invitationLifetimeMs = 60 * 60 * 1000;

export interface PairingService {
  /** A new machine's one-time pairing code. */
  invite(request: {
    readonly repositoryId: string;
    readonly channel: string;
    readonly name: string;
    readonly region: string | null;
  }): Promise<Pick<PairingView, 'machineId' | 'secret' | 'expiresAtMs'>>;
  /**
   * Enrols a machine by its request; false where it was not invited, or is enrolled already, or too late. Throws `trust.pairing_failed`,
   * `store.malformed`.
   */
  enroll(machine: MachineRecord, request: Uint8Array): Promise<boolean>;
}

export function createPairingService(options: {
  readonly db: Db;
  readonly masterKey: Uint8Array;
  readonly clock: Clock;
  readonly onEvent: () => void;
}): PairingService {
  const { db, clock } = options;
  const sealName = (machineId: string) => `slipway/pairing/${machineId}`;
  return {
    async invite(request) {
      const { machineId, secret } = createPairing();
      const expiresAtMs = clock() + invitationLifetimeMs;
      await insertMachine(db, {
        id: machineId,
        ...request,
        sealedSecret: seal(options.masterKey, Buffer.from(secret), sealName(machineId)).toString('base64'),
        inviteExpiresAt: expiresAtMs,
        reportSequence: 0,
      });
      await appendEvent(db, {
        type: 'machine.invited',
        at: clock(),
        repositoryId: request.repositoryId,
        subjectId: machineId,
        data: { name: request.name, channel: request.channel },
      });
      options.onEvent();
      return { machineId, secret: formatPairing({ machineId, secret }), expiresAtMs };
    },
    async enroll(machine, bytes) {
      if (machine.sealedSecret === null || machine.enrolledAt !== null) return false;
      if ((machine.inviteExpiresAt ?? 0) < clock()) return false;
      const sealed = Buffer.from(machine.sealedSecret, 'base64');
      const secret = openSealed(options.masterKey, sealed, sealName(machine.id)).toString();
      const request = verifyEnrollRequest(bytes, secret);
      if (
        request.machineId !== machine.id ||
        request.repositoryId !== machine.repositoryId ||
        request.channel !== machine.channel
      ) {
        throw new DomainError(
          'trust.pairing_failed',
          `Machine ${machine.name} asked for another place than it was invited to.`,
        );
      }
      await updateMachine(db, machine.id, {
        sealedSecret: null,
        inviteExpiresAt: null,
        enrolledAt: clock(),
        publicKey: request.publicKey,
        ageRecipient: request.ageRecipient,
        region: request.region ?? machine.region,
      });
      await appendEvent(db, {
        type: 'machine.enrolled',
        at: clock(),
        repositoryId: machine.repositoryId,
        subjectId: machine.id,
        data: { name: machine.name, channel: machine.channel },
      });
      return true;
    },
  };
}
