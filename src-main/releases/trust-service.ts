/** Owns the installation's `trust.json`: made from the database, signed by the root, in the main store and every region. */
import { hostname } from 'node:os';
import { storeKeys, type Trust } from '../contract/documents.ts';
import { listEnrolledMachines } from '../database/machines.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import { readSetting, writeSetting } from '../database/settings.ts';
import type { Clock } from '../domain/clock.ts';
import type { Keyring } from '../secrets/keyring.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import { maxDocumentBytes } from './signed-document.ts';
import { signTrust, verifyTrust } from './trust-document.ts';

/** How long a store is trusted to hold what was written to it, before it is looked at again. */
const recheckMs = 60_000;

export interface TrustService {
  /** Reads or makes the current document. Once, before anything else is called. */
  start(): Promise<void>;
  readonly current: Trust;
  /** Signs a new document, with the next serial, from what the database says now, and writes it to the main store. */
  renew(): Promise<Trust>;
  /** Brings a store up to the current document. May be repeated. */
  publishTo(store: BlobStore): Promise<void>;
}

export function createTrustService(options: {
  readonly db: Db;
  readonly keyring: Keyring;
  readonly main: BlobStore;
  readonly clock: Clock;
}): TrustService {
  const { db, keyring, main, clock } = options;
  let current: { readonly trust: Trust; readonly bytes: Uint8Array } | null = null;
  /** What each store was last seen to hold. */
  const published = new Map<string, { readonly serial: number; readonly seenAtMs: number }>();
  let turn: Promise<unknown> = Promise.resolve();

  const mustCurrent = () => {
    if (!current) throw new Error('the trust service was not started');
    return current;
  };

  async function sign(): Promise<Trust> {
    const now = clock();
    const rows = await listEnrolledMachines(db);
    const serial = await inTransaction(db, async transaction => {
      const inDatabase = Number((await readSetting(transaction, 'trust.serial')) ?? 0);
      const next = Math.max(inDatabase, current?.trust.serial ?? 0) + 1;
      await writeSetting(transaction, 'trust.serial', String(next));
      return next;
    });
    const known = current?.trust.releaseKeys ?? [];
    const ours = { publicKey: keyring.release.publicKey, name: hostname(), addedAtMs: now, revokedAtMs: null };
    const trust: Trust = {
      type: 'slipway.trust/v1',
      serial,
      rootPublicKey: keyring.rootPublicKey,
      issuedAtMs: now,
      releaseKeys: known.some(key => key.publicKey === ours.publicKey) ? known : [...known, ours],
      machines: rows.flatMap(row =>
        row.publicKey === null || row.ageRecipient === null || row.enrolledAt === null
          ? []
          : [
              {
                machineId: row.id,
                repositoryId: row.repositoryId,
                channel: row.channel,
                name: row.name,
                region: row.region,
                publicKey: row.publicKey,
                ageRecipient: row.ageRecipient,
                enrolledAtMs: row.enrolledAt,
                revokedAtMs: row.revokedAt,
              },
            ],
      ),
    };
    const bytes = signTrust(trust, keyring.root);
    await main.put(storeKeys.trust, { kind: 'bytes', bytes });
    current = { trust, bytes };
    published.set(main.url, { serial, seenAtMs: now });
    return trust;
  }

  /** An engine that ended between a machine's enrollment or revocation and the signature left it to this one. */
  async function listsOurMachines(): Promise<boolean> {
    const listed = new Map(current?.trust.machines.map(machine => [machine.machineId, machine.revokedAtMs]));
    return (await listEnrolledMachines(db)).every(row => listed.get(row.id) === row.revokedAt);
  }

  return {
    get current() {
      return mustCurrent().trust;
    },
    async start() {
      const stored = await main.read(storeKeys.trust, maxDocumentBytes);
      if (stored) {
        const minSerial = Number((await readSetting(db, 'trust.serial')) ?? 0);
        // A store of another installation is refused here, before anything is written to it.
        const trust = verifyTrust(stored.bytes, keyring.rootPublicKey, 0);
        if (trust.serial >= minSerial) {
          current = { trust, bytes: stored.bytes };
          published.set(main.url, { serial: trust.serial, seenAtMs: clock() });
        }
      }
      const isListed = current?.trust.releaseKeys.some(key => key.publicKey === keyring.release.publicKey);
      if (!isListed || !(await listsOurMachines())) await sign();
    },
    renew() {
      const signed = turn.then(sign);
      turn = signed.catch(() => undefined);
      return signed;
    },
    async publishTo(store) {
      const { trust, bytes } = mustCurrent();
      const known = published.get(store.url);
      if (known?.serial === trust.serial && clock() - known.seenAtMs < recheckMs) return;
      // A store that was emptied or replaced gets its document again.
      const isThere = known?.serial === trust.serial && (await store.head(storeKeys.trust)) !== null;
      if (!isThere) await store.put(storeKeys.trust, { kind: 'bytes', bytes });
      published.set(store.url, { serial: trust.serial, seenAtMs: clock() });
    },
  };
}
