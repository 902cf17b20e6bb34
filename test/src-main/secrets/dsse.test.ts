import { describe, expect, it } from 'vitest';
import { parseEnvelope, preAuthEncoding, signEnvelope, verifyEnvelope } from '../../../src-main/secrets/dsse.ts';
import { generateSeed, signerFromSeed } from '../../../src-main/secrets/signing-keys.ts';

const alice = signerFromSeed(generateSeed());
const bob = signerFromSeed(generateSeed());
const invalid = expect.objectContaining({ code: 'trust.signature_invalid' });

describe('DSSE', () => {
  it('encodes as the specification shows', () => {
    // Source: DSSE protocol.md, "Test Vectors".
    const payload = Buffer.from('hello world');
    expect(preAuthEncoding('http://example.com/HelloWorld', payload).toString()).toBe(
      'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
    );
    expect(preAuthEncoding('ü', Buffer.from('ü')).toString()).toBe('DSSEv1 2 ü 2 ü');
  });

  it('gives the payload of a trusted signature, in any place', () => {
    const envelope = parseEnvelope(Buffer.from(JSON.stringify(signEnvelope('t', Buffer.from('x'), [alice, bob]))));
    expect(verifyEnvelope(envelope, [bob.publicKey])).toMatchObject({ keyid: bob.keyId, publicKey: bob.publicKey });
    expect(verifyEnvelope(envelope, [bob.publicKey]).payload.toString()).toBe('x');
  });

  it('refuses another key, type, payload, or a key id without its signature', () => {
    const envelope = signEnvelope('t', Buffer.from('x'), [alice]);
    expect(() => verifyEnvelope(envelope, [bob.publicKey])).toThrow(invalid);
    expect(() => verifyEnvelope(envelope, [])).toThrow(invalid);
    expect(() => verifyEnvelope({ ...envelope, payloadType: 'u' }, [alice.publicKey])).toThrow(invalid);
    expect(() => verifyEnvelope({ ...envelope, payload: 'eQ==' }, [alice.publicKey])).toThrow(invalid);
    const forged = signEnvelope('t', Buffer.from('x'), [{ ...bob, keyId: alice.keyId }]);
    expect(() => verifyEnvelope(forged, [alice.publicKey])).toThrow(invalid);
  });

  it('refuses what is not an envelope', () => {
    for (const text of ['', '{', '{}', '[]', '{"payloadType":"t","payload":"x","signatures":[]}']) {
      expect(() => parseEnvelope(Buffer.from(text)), text).toThrow(
        expect.objectContaining({ code: 'store.malformed' }),
      );
    }
  });
});
