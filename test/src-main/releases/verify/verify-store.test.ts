import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { v7 as uuidv7 } from 'uuid';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildStatement } from '../../../../src-main/artifacts/build-record.ts';
import { type Envelope, envelopeSchema } from '../../../../src-main/contract/documents.ts';
import { signBuild } from '../../../../src-main/releases/build-document.ts';
import { signPointer } from '../../../../src-main/releases/pointer-document.ts';
import { signTrust } from '../../../../src-main/releases/trust-document.ts';
import { type StoreVerification, verifyStore } from '../../../../src-main/releases/verify/verify-store.ts';
import { endsWithFile } from '../../../support/for-this-file.ts';
import { newSigner, trustOf } from '../../../support/signed-protocol.ts';
import { createSignedStore } from '../../../support/signed-store.ts';

const onEnd = endsWithFile();
let world: Awaited<ReturnType<typeof createSignedStore>>;

beforeAll(async () => {
  const bytes = Buffer.alloc(700_000, 'slipway');
  world = await createSignedStore(onEnd, { 'a.txt': 'ahoy\n', 'bin/run': '#!/bin/sh\n', 'big.bin': bytes });
});

function verify(change: Partial<Parameters<typeof verifyStore>[0]> = {}): Promise<StoreVerification> {
  const { store, rootKey, nowMs } = world;
  const signal = new AbortController().signal;
  return verifyStore({ store, rootPublicKey: rootKey.publicKey, all: false, nowMs, signal, ...change });
}

/** What `verify` says while a blob has other bytes (null: is not there); afterwards it is as it was. */
async function whileChanged(key: string, bytes: Uint8Array | null, all = false): Promise<StoreVerification> {
  const path = world.pathOf(key);
  const before = await readFile(path);
  try {
    await (bytes === null ? rm(path) : writeFile(path, bytes));
    return await verify({ all });
  } finally {
    await writeFile(path, before);
  }
}

const codesOf = ({ problems }: StoreVerification) => problems.map(({ key, code }) => ({ key, code }));

describe('a store that is whole', () => {
  it('holds to the last byte', async () => {
    const result = await verify();
    expect(result.problems).toEqual([]);
    expect(result.checked).toEqual({
      trust: 1,
      builds: 1,
      sboms: 1,
      fileLists: 1,
      pointers: 1,
      environments: 0,
      reports: 1,
      torrents: 1,
      packs: 1,
    });
    expect(result.bytesRead).toBeGreaterThan(world.pack.sizeBytes);
    expect(result.isPinned).toBe(true);
  });

  it('is held to its own word where no key is given, which it says', async () => {
    expect(await verify({ rootPublicKey: null })).toMatchObject({
      isPinned: false,
      rootPublicKey: world.rootKey.publicKey,
      problems: [],
    });
  });

  it('is refused under another root key', async () => {
    const result = await verify({ rootPublicKey: newSigner().publicKey });
    expect(codesOf(result)).toEqual([{ key: 'trust.json', code: 'trust.signature_invalid' }]);
  });
});

describe('a single byte that was changed', () => {
  it.each(['trust', 'record', 'pointer', 'fileList', 'report', 'sbom', 'torrent'] as const)(
    'in the %s is found, wherever it is',
    async name => {
      const key = world.keys[name];
      const before = await readFile(world.pathOf(key));
      // Every place of a small document would take minutes; these are spread evenly, with both ends.
      const mutations = 170;
      let accepted = 0;
      for (let index = 0; index < mutations; index += 1) {
        const at = Math.round((index * (before.length - 1)) / (mutations - 1));
        const bytes = Buffer.from(before);
        // Also the smallest change there is, which Base64 may not even show.
        bytes[at] = (bytes[at] ?? 0) ^ (1 << (index % 7));
        const result = await whileChanged(key, bytes);
        if (result.problems.length === 0) accepted += 1;
      }
      expect(accepted).toBe(0);
    },
    120_000,
  );

  it('in the pack is found', async () => {
    const before = await readFile(world.pathOf(world.keys.pack));
    for (const at of [0, before.length >> 1, before.length - 1]) {
      const bytes = Buffer.from(before);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      const found = codesOf(await whileChanged(world.keys.pack, bytes));
      expect(found).toEqual([{ key: world.keys.pack, code: 'artifact.digest_mismatch' }]);
    }
  });
});

describe('a field that was changed', () => {
  const reEncode = (envelope: unknown) => Buffer.from(`${JSON.stringify(envelope)}\n`);
  const read = async (key: string): Promise<Envelope> =>
    envelopeSchema.parse(JSON.parse(await readFile(world.pathOf(key), 'utf8')));

  it.each(['trust', 'record', 'pointer', 'report'] as const)(
    'in the payload or the envelope of the %s is found',
    async name => {
      const key = world.keys[name];
      const envelope = await read(key);
      const payload = Buffer.from(envelope.payload, 'base64').toString('utf8');
      const [signature] = envelope.signatures;
      if (!signature) throw new Error('no signature');
      const withPayload = (text: string) => reEncode({ ...envelope, payload: Buffer.from(text).toString('base64') });
      const spots = [...payload.matchAll(/[0-9a-z](?=["},])/g)].slice(0, 60).map(match => match.index);
      const mutants = [
        // Each value, in its last character.
        ...spots.map(at =>
          withPayload(`${payload.slice(0, at)}${payload[at] === '1' ? '2' : '1'}${payload.slice(at + 1)}`),
        ),
        withPayload(` ${payload}`),
        reEncode({ ...envelope, payloadType: 'application/vnd.slipway.other+json' }),
        reEncode({ ...envelope, added: true }),
        reEncode({ ...envelope, signatures: [] }),
        reEncode({ ...envelope, signatures: [signature, { ...signature, sig: Buffer.alloc(64).toString('base64') }] }),
        reEncode({ ...envelope, signatures: [{ ...signature, keyid: 'f'.repeat(64) }] }),
        reEncode({ signatures: envelope.signatures, payload: envelope.payload, payloadType: envelope.payloadType }),
        Buffer.from(JSON.stringify(envelope)),
        Buffer.from(JSON.stringify(envelope, null, 2)),
        Buffer.alloc(0),
      ];
      const results: number[] = [];
      for (const bytes of mutants) results.push((await whileChanged(key, bytes)).problems.length);
      expect(results).toEqual(mutants.map(() => 1));
    },
  );
});

describe('a store whose parts do not belong together', () => {
  it('names what is missing', async () => {
    const { keys } = world;
    expect(codesOf(await whileChanged(keys.fileList, null))).toEqual([{ key: keys.record, code: 'store.not_found' }]);
    expect(codesOf(await whileChanged(keys.pack, null))).toEqual([{ key: keys.record, code: 'store.not_found' }]);
    expect(codesOf(await whileChanged(keys.torrent, null))).toEqual([{ key: keys.record, code: 'store.not_found' }]);
    expect(codesOf(await whileChanged(keys.sbom, null))).toEqual([{ key: keys.sbom, code: 'store.not_found' }]);
    expect(codesOf(await whileChanged(keys.record, null))).toEqual([{ key: keys.pointer, code: 'trust.untrusted' }]);
    expect(codesOf(await whileChanged(keys.trust, null))).toEqual([{ key: keys.trust, code: 'store.not_found' }]);
  });

  it('names the first problem, and every one where all are asked for', async () => {
    const { keys } = world;
    const first = await whileChanged(keys.pack, Buffer.from('other'));
    expect(codesOf(first)).toEqual([{ key: keys.record, code: 'artifact.digest_mismatch' }]);
    const every = await whileChanged(keys.pack, Buffer.from('other'), true);
    expect(codesOf(every).map(problem => problem.key)).toEqual([keys.record, keys.pointer, keys.pack]);
  });

  it('refuses a signed record in another place, and one of another builder', async () => {
    const { keys, facts, release } = world;
    const elsewhere = signBuild(buildStatement({ ...facts, buildId: uuidv7() }), release);
    expect(codesOf(await whileChanged(keys.record, elsewhere))).toEqual([
      { key: keys.record, code: 'trust.untrusted' },
    ]);
    const stranger = signBuild(buildStatement(facts), newSigner());
    expect(codesOf(await whileChanged(keys.record, stranger))).toEqual([{ key: keys.record, code: 'trust.untrusted' }]);
  });

  it('refuses what a revoked key has signed', async () => {
    const { keys, rootKey, release, machine } = world;
    const [key] = trustOf(rootKey, [release]).releaseKeys;
    if (!key) throw new Error('no key');
    const trust = trustOf(rootKey, [release], { releaseKeys: [{ ...key, revokedAtMs: 5 }], machines: [machine] });
    const result = await whileChanged(keys.trust, signTrust(trust, rootKey));
    expect(codesOf(result)).toEqual([{ key: keys.record, code: 'trust.untrusted' }]);
  });

  it.each([
    ['another artifact', { artifactId: 'a'.repeat(64) }, 'trust.untrusted'],
    ['another revision', { revision: 'd'.repeat(40) }, 'trust.untrusted'],
    ['a serial that does not grow', { serial: 1 }, 'trust.untrusted'],
    ['an environment that is missing', { environmentDigest: 'e'.repeat(64) }, 'trust.untrusted'],
    ['a build that is missing', { buildId: '0199a1b2-0000-7000-8000-000000000001' }, 'trust.untrusted'],
    ['a time that is over', { expiresAtMs: 1_700_000_000_001 }, 'trust.expired'],
  ] as const)('refuses a signed pointer with %s', async (_, change, code) => {
    const { keys, pointer, release } = world;
    const result = await whileChanged(keys.pointer, signPointer({ ...pointer, ...change }, release));
    expect(codesOf(result)).toEqual([{ key: keys.pointer, code }]);
  });

  it('refuses names that are not ours where blobs lie, and escapes them', async () => {
    const { keys, pathOf } = world;
    const hidden = `${pathOf(keys.fileList)}.old`;
    await rename(pathOf(keys.fileList), hidden);
    try {
      const result = await verify({ all: true });
      expect(codesOf(result)).toContainEqual({ key: `${keys.fileList}.old`, code: 'store.malformed' });
    } finally {
      await rename(hidden, pathOf(keys.fileList));
    }
  });

  it('refuses a torrent of other pieces, though its record names it', async () => {
    const { keys, facts, release, pathOf } = world;
    const { createMetainfo } = await import('../../../../src-main/swarm/metainfo.ts');
    const { digest, sizeBytes } = facts.pack;
    const pieces = Buffer.alloc(20 * Math.ceil(sizeBytes / 2 ** 18), 1);
    const { torrent, infoHash } = createMetainfo({
      name: `${digest}.tar.zst`,
      sizeBytes,
      pieceLengthBytes: 2 ** 18,
      pieces,
    });
    const pack = { ...facts.pack, infoHash };
    const [record, pointer] = [await readFile(pathOf(keys.record)), await readFile(pathOf(keys.pointer))];
    try {
      await writeFile(pathOf(keys.record), signBuild(buildStatement({ ...facts, pack }), release));
      await writeFile(pathOf(keys.pointer), signPointer({ ...world.pointer, packs: [pack] }, release));
      expect(codesOf(await whileChanged(keys.torrent, torrent))).toEqual([
        { key: keys.pack, code: 'artifact.digest_mismatch' },
      ]);
    } finally {
      await writeFile(pathOf(keys.record), record);
      await writeFile(pathOf(keys.pointer), pointer);
    }
    expect((await verify()).problems).toEqual([]);
  });
});
