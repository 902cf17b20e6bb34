/** Owns the machines as the control center knows them: invited, enrolled through the store, and what they report. */
import { setTimeout as delay } from 'node:timers/promises';
import { machineReportSchema, storeKeys } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { appendEvent } from '../database/events.ts';
import { findMachine, listMachines, type MachineRecord, updateMachine } from '../database/machines.ts';
import type { Db } from '../database/open-database.ts';
import { findChannel, findRelease } from '../database/releases.ts';
import type { Clock } from '../domain/clock.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { maxEnrollBytes } from './enrollment.ts';
import { createPairingService, type PairingService } from './pairing-service.ts';
import type { RegionStores } from './region-stores.ts';
import { maxDocumentBytes } from './signed-document.ts';
import { createReportTaker } from './take-report.ts';
import type { TrustService } from './trust-service.ts';

/** How long a look waits for the slowest store, in milliseconds. */
const storePatienceMs = 5_000;

export interface MachineRegistry {
  start(): void;
  stop(): Promise<void>;
  /** A new machine's one-time pairing code. */
  readonly invite: PairingService['invite'];
  /** Revokes a machine: its reports no longer count, and no environment is encrypted to it. */
  revoke(machineId: string): Promise<void>;
  /** Lets a machine check every file of what it runs, fetch what is not right, and start it anew. Throws `not_found`, `conflict`. */
  repair(machineId: string): Promise<void>;
  /** Looks into the stores now. */
  look(): Promise<void>;
}

/** A machine's document as it was read. */
interface Found {
  readonly machineId: string;
  readonly store: BlobStore;
  /** Store and key. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly version: string;
}

/** Whether the whole store is out of reach. One document that is malformed says nothing of the next. */
function isOfStore(error: unknown): boolean {
  return error instanceof DomainError && error.code.startsWith('store.') && error.code !== 'store.malformed';
}

export function createMachineRegistry(options: {
  readonly db: Db;
  readonly stores: RegionStores;
  readonly trust: TrustService;
  readonly masterKey: Uint8Array;
  readonly pollIntervalMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Something of a machine changed that is no event. */
  readonly onPulse: () => void;
  readonly onEvent: () => void;
  readonly onTrustChanged: () => void;
  /** Before the trust document lists machines that are new: what they need is encrypted to them. Never throws. */
  readonly prepareForMachines: () => Promise<void>;
  /** After each look: what hangs on reports, and on what machines write beside them. Never throws. */
  readonly afterLook: () => Promise<void>;
}): MachineRegistry {
  const { db, stores, trust, clock, logger } = options;
  /** Version of each report that was read, by store and key: what has not changed is not read again. */
  const seen = new Map<string, string>();
  /** Machines came or went since the trust document was signed. */
  let trustIsDue = false;
  let timer: NodeJS.Timeout | null = null;
  let looking: Promise<void> = Promise.resolve();
  let stopped = true;
  /** Looks that are under way, by store: a slow one is not begun twice. */
  const asking = new Map<string, Promise<void>>();
  /** A report may lie in several stores that are read at once: what it says of a machine is taken one after another. */
  let judging: Promise<unknown> = Promise.resolve();
  /** Requests that were read and not judged yet, by store and key. */
  const requests = new Map<string, Found>();
  const pairings = createPairingService(options);
  const takeReport = createReportTaker(options);

  async function enroll(machine: MachineRecord, bytes: Uint8Array): Promise<void> {
    if (await pairings.enroll(machine, bytes)) trustIsDue = true;
  }

  async function lookAtMachine(store: BlobStore, { id, repositoryId, enrolledAt }: MachineRecord): Promise<void> {
    const key = enrolledAt === null ? storeKeys.enroll(repositoryId, id) : storeKeys.report(repositoryId, id);
    const name = `${store.url} ${key}`;
    const head = await store.head(key);
    if (!head || seen.get(name) === head.version) return;
    const found = await store.read(key, enrolledAt === null ? maxEnrollBytes : maxDocumentBytes).catch(error => {
      if (isOfStore(error) || !(error instanceof DomainError)) throw error;
      logger.warn('machine.document_refused', { machineId: id, store: store.url, error });
      seen.set(name, head.version);
      return null;
    });
    if (!found) return;
    const read = { machineId: id, store, name, ...found };
    if (enrolledAt === null) {
      requests.set(name, read);
      return;
    }
    const judged = judging.then(() => judge(read, takeReport));
    judging = judged.catch(() => undefined);
    await judged;
  }

  /** As the machine is now: the same document may lie in several stores, and a secret counts once. */
  async function judge(found: Found, by: (machine: MachineRecord, bytes: Uint8Array) => Promise<void>): Promise<void> {
    const { machineId, store } = found;
    try {
      const machine = await findMachine(db, machineId);
      if (machine) await by(machine, found.bytes);
    } catch (error) {
      // What could not be recorded is looked at again; what was judged and refused is not.
      if (isOfStore(error) || !(error instanceof DomainError)) throw error;
      logger.warn('machine.document_refused', { machineId, store: store.url, error });
    }
    seen.set(found.name, found.version);
  }

  /** In the order of the stores, the main one first, whichever answered first: who enrols must not hang on a race. */
  async function judgeRequests(inOrder: readonly BlobStore[]): Promise<void> {
    const place = ({ store }: Found) => inOrder.findIndex(({ url }) => url === store.url);
    const found = [...requests.values()].toSorted((left, right) => place(left) - place(right));
    requests.clear();
    for (const request of found) {
      await judge(request, enroll).catch(error =>
        logger.error('machine.document_not_taken', { machineId: request.machineId, store: request.store.url, error }),
      );
    }
  }

  async function lookAt(store: BlobStore, machines: readonly MachineRecord[]): Promise<void> {
    for (const machine of machines) {
      try {
        await lookAtMachine(store, machine);
      } catch (error) {
        if (isOfStore(error)) throw error;
        logger.error('machine.document_not_taken', { machineId: machine.id, store: store.url, error });
      }
    }
  }

  /** Until it succeeds: a machine that is enrolled here and not in the trust document would wait for ever. */
  async function renewTrust(): Promise<void> {
    if (!trustIsDue) return;
    trustIsDue = false;
    try {
      await options.prepareForMachines();
      await trust.renew();
    } catch (error) {
      trustIsDue = true;
      throw error;
    }
    options.onTrustChanged();
    options.onEvent();
  }

  /** Looks into a store, unless it is still being looked into, and makes known what came of it. Never throws. */
  function ask(store: BlobStore, machines: readonly MachineRecord[]): Promise<void> {
    const known = asking.get(store.url);
    if (known) return known;
    const asked = lookAt(store, machines)
      .catch(error => logger.warn('machine.store_unreadable', { store: store.url, error }))
      .finally(() => asking.delete(store.url));
    asking.set(store.url, asked);
    return asked;
  }

  /** A store that has not answered when it is `enough` is left to answer, and counts in the next look. */
  async function look(enough: Promise<void> = new Promise(() => {})): Promise<void> {
    const machines = await listMachines(db);
    const all = machines.length === 0 ? [] : await stores.all();
    await Promise.race([Promise.all(all.map(store => ask(store, machines))), enough]);
    await judgeRequests(all);
    await renewTrust();
  }

  async function lookInTime(): Promise<void> {
    const patience = new AbortController();
    const enough = delay(storePatienceMs, undefined, { signal: patience.signal, ref: false }).catch(() => undefined);
    await look(enough).finally(() => patience.abort());
    await options.afterLook();
  }

  const schedule = () => {
    if (stopped) return;
    timer = setTimeout(() => {
      looking = lookInTime()
        .catch(error => logger.error('machine.look_failed', { error }))
        .finally(schedule);
    }, options.pollIntervalMs);
  };

  return {
    invite: pairings.invite,
    look: () => look(),
    start() {
      if (!stopped) return;
      stopped = false;
      schedule();
    },
    async stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
      await looking;
    },
    async repair(machineId) {
      const machine = await findMachine(db, machineId);
      if (!machine || machine.revokedAt !== null) {
        throw new DomainError('not_found', `There is no machine ${machineId}.`, { machineId });
      }
      if (machine.report === null) {
        throw new DomainError('conflict', `${machine.name} runs nothing yet that could be repaired.`, { machineId });
      }
      const channel = await findChannel(db, machine.repositoryId, machine.channel);
      const wanted = channel?.currentReleaseId ? await findRelease(db, channel.currentReleaseId) : null;
      const runs = machineReportSchema.parse(JSON.parse(machine.report)).serial;
      // The pointer names the packs of what the channel runs, and of nothing else.
      if (wanted === null || runs !== wanted.serial) {
        throw new DomainError(
          'conflict',
          `${machine.name} runs ${runs === null ? 'nothing' : `release ${runs}`}, and ${machine.channel} is at ${wanted?.serial ?? 'none'}: it can be repaired when it runs what its channel says. Roll back, or release again.`,
          { machineId, runs, wanted: wanted?.serial ?? null },
        );
      }
      await updateMachine(db, machineId, { repairRequestedAt: clock() });
      options.onTrustChanged();
      await options.prepareForMachines();
      options.onPulse();
    },
    async revoke(machineId) {
      const machine = await findMachine(db, machineId);
      if (!machine || machine.revokedAt !== null) {
        throw new DomainError('not_found', `There is no machine ${machineId}.`, { machineId });
      }
      await updateMachine(db, machineId, { revokedAt: clock(), sealedSecret: null });
      await appendEvent(db, {
        type: 'machine.reported',
        at: clock(),
        repositoryId: machine.repositoryId,
        subjectId: machineId,
        data: { name: machine.name, revoked: true },
      });
      options.onEvent();
      trustIsDue = machine.enrolledAt !== null || trustIsDue;
      await renewTrust();
    },
  };
}
