/** Owns the installation's `trust.json`: made from the database, signed by the root, in the main store and every region. */
import { hostname } from 'node:os';
import { storeKeys, type Trust } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { listEnrolledMachines, updateMachine } from '../database/machines.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import { readSetting, writeSetting } from '../database/settings.ts';
import type { Clock } from '../domain/clock.ts';
import type { Keyring } from '../secrets/keyring.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import { maxDocumentBytes } from './signed-document.ts';
import { signTrust, verifyTrust } from './trust-document.ts';

/** Other control centers renew when a machine comes or goes: that many in the same moment are none. */
const maxSignTries = 5;

/** Nobody can read it; one of another installation (`trust.untrusted`) is not ours to replace. */
function isDamage(error: unknown): boolean {
  return error instanceof DomainError && ['store.malformed', 'trust.signature_invalid'].includes(error.code);
}

/** How long a store is trusted to hold what was written to it, before it is looked at again. */
const recheckMs = 60_000;

export interface TrustService {
  /** Reads or makes the current document. Once, before anything else is called. */
  start(): Promise<void>;
  readonly current: Trust;
  /**
   * Signs a new document, with the next serial, from what the database says now and what another control center of this
   * installation signed meanwhile, and writes it to the main store. Throws `store.precondition_failed` where others never rest.
   */
  renew(): Promise<Trust>;
  /** Takes over a store's document where its serial is higher, as after a restore, and brings it to the main store. Throws `store.*`. */
  adoptFrom(store: BlobStore): Promise<void>;
  /**
   * Brings a store up to the current document, and says what was wrong with the one that lay there. May be repeated. A store that was
   * right a moment ago is not asked again, unless `read` is set: then its bytes are compared.
   */
  publishTo(store: BlobStore, options?: { readonly read: boolean }): Promise<'missing' | 'damaged' | 'stale' | null>;
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
  const published = new Map<string, { readonly serial: number; readonly version: string; readonly seenAtMs: number }>();
  let turn: Promise<unknown> = Promise.resolve();

  const mustCurrent = () => {
    if (!current) throw new Error('the trust service was not started');
    return current;
  };

  /** What lies in the main store: of another control center, where its serial is higher. A damaged one is replaced. */
  async function readMain(): Promise<{ readonly trust: Trust | null; readonly version: string | null }> {
    try {
      const stored = await main.read(storeKeys.trust, maxDocumentBytes);
      if (!stored) return { trust: null, version: null };
      return { trust: verifyTrust(stored.bytes, keyring.rootPublicKey, 0), version: stored.version };
    } catch (error) {
      if (!isDamage(error)) throw error;
      return { trust: null, version: (await main.head(storeKeys.trust))?.version ?? null };
    }
  }

  async function nextSerial(stored: Trust | null): Promise<number> {
    return inTransaction(db, async transaction => {
      const inDatabase = Number((await readSetting(transaction, 'trust.serial')) ?? 0);
      const next = Math.max(inDatabase, current?.trust.serial ?? 0, stored?.serial ?? 0) + 1;
      await writeSetting(transaction, 'trust.serial', String(next));
      return next;
    });
  }

  async function signOnce(): Promise<Trust> {
    const now = clock();
    const { trust: stored, version } = await readMain();
    const newest = stored && stored.serial > (current?.trust.serial ?? 0) ? stored : (current?.trust ?? null);
    const rows = await listEnrolledMachines(db);
    const serial = await nextSerial(stored);
    const known = newest?.releaseKeys ?? [];
    const ours = { publicKey: keyring.release.publicKey, name: hostname(), addedAtMs: now, revokedAtMs: null };
    const ownMachines = rows.flatMap(row =>
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
    );
    const own = new Set(rows.map(row => row.id));
    const trust: Trust = {
      type: 'slipway.trust/v1',
      serial,
      rootPublicKey: keyring.rootPublicKey,
      issuedAtMs: now,
      releaseKeys: known.some(key => key.publicKey === ours.publicKey) ? known : [...known, ours],
      // The machines of another control center are in its database, and here only in the document.
      machines: [...(newest?.machines ?? []).filter(machine => !own.has(machine.machineId)), ...ownMachines],
    };
    const bytes = signTrust(trust, keyring.root);
    const head = await main.put(storeKeys.trust, { kind: 'bytes', bytes }, { ifVersion: version });
    current = { trust, bytes };
    published.set(main.url, { serial, version: head.version, seenAtMs: now });
    return trust;
  }

  /** Again where another control center was faster: its document is read, and ours is made on top of it. */
  async function sign(): Promise<Trust> {
    for (let triesLeft = maxSignTries; ; triesLeft -= 1) {
      try {
        return await signOnce();
      } catch (error) {
        const wasFaster = error instanceof DomainError && error.code === 'store.precondition_failed';
        if (!wasFaster || triesLeft === 0) throw error;
      }
    }
  }

  /** What is wrong with a store's document; null also for a newer one, which is another control center's. */
  async function problemOf(store: BlobStore, bytes: Uint8Array): Promise<'missing' | 'damaged' | 'stale' | null> {
    try {
      const stored = await store.read(storeKeys.trust, maxDocumentBytes);
      if (!stored) return 'missing';
      if (Buffer.from(bytes).equals(stored.bytes)) return null;
      const { serial } = verifyTrust(stored.bytes, keyring.rootPublicKey, 0);
      return serial > mustCurrent().trust.serial ? null : 'stale';
    } catch (error) {
      // Where our own document lay before, what names another root was ours and is damaged.
      const wasOurs = published.has(store.url) && error instanceof DomainError && error.code === 'trust.untrusted';
      if (!isDamage(error) && !wasOurs) throw error;
      return 'damaged';
    }
  }

  /** An engine that ended between a machine's enrollment or revocation and the signature left it to this one. */
  async function listsOurMachines(): Promise<boolean> {
    const listed = new Map(current?.trust.machines.map(machine => [machine.machineId, machine.revokedAtMs]));
    return (await listEnrolledMachines(db)).every(row => listed.get(row.id) === row.revokedAt);
  }

  /** A machine that was revoked stays so, also where this database is of before that: it was restored. */
  async function takeRevocations(trust: Trust): Promise<void> {
    const revoked = new Map(trust.machines.map(machine => [machine.machineId, machine.revokedAtMs]));
    for (const { id, revokedAt } of await listEnrolledMachines(db)) {
      const since = revoked.get(id) ?? null;
      if (revokedAt === null && since !== null) await updateMachine(db, id, { revokedAt: since });
    }
  }

  async function adoptFrom(store: BlobStore): Promise<void> {
    const stored = await store.read(storeKeys.trust, maxDocumentBytes);
    if (!stored) return;
    const trust = verifyTrust(stored.bytes, keyring.rootPublicKey, 0);
    if (trust.serial <= mustCurrent().trust.serial) return;
    const { version } = await readMain();
    const head = await main.put(storeKeys.trust, { kind: 'bytes', bytes: stored.bytes }, { ifVersion: version });
    current = { trust, bytes: stored.bytes };
    published.set(main.url, { serial: trust.serial, version: head.version, seenAtMs: clock() });
    await takeRevocations(trust);
    if (!(await listsOurMachines())) await sign();
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
          published.set(main.url, { serial: trust.serial, version: stored.version, seenAtMs: clock() });
          await takeRevocations(trust);
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
    adoptFrom(store) {
      const adopted = turn.then(() => adoptFrom(store));
      turn = adopted.catch(() => undefined);
      return adopted;
    },
    async publishTo(store, { read } = { read: false }) {
      const { trust, bytes } = mustCurrent();
      const askedAtMs = clock();
      const known = published.get(store.url);
      const isKnown = known?.serial === trust.serial;
      if (!read && isKnown && askedAtMs - known.seenAtMs < recheckMs) return null;
      const head = await store.head(storeKeys.trust);
      const seen = (version: string) =>
        published.set(store.url, { serial: trust.serial, version, seenAtMs: askedAtMs });
      if (!read && isKnown && head?.version === known.version) {
        seen(known.version);
        return null;
      }
      const problem = head === null ? 'missing' : await problemOf(store, bytes);
      if (problem === null) {
        if (head) seen(head.version);
        return null;
      }
      const put = await store.put(storeKeys.trust, { kind: 'bytes', bytes }, { ifVersion: head?.version ?? null });
      seen(put.version);
      return problem;
    },
  };
}
