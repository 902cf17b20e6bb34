import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import {
  createEnrollRequest,
  createPairing,
  formatPairing,
  parsePairing,
  verifyEnrollRequest,
} from '../../../src-main/releases/enrollment.ts';
import { newSigner } from '../../support/signed-protocol.ts';

const failed = expect.objectContaining({ code: 'trust.pairing_failed' });

describe('pairing', () => {
  const pairing = createPairing();
  const fields = {
    machineId: pairing.machineId,
    repositoryId: uuidv7(),
    channel: 'production',
    name: 'web-1',
    region: null,
    publicKey: newSigner().publicKey,
    ageRecipient: 'age1recipient',
  };

  it('survives its text form, also with white space around', () => {
    expect(parsePairing(` ${formatPairing(pairing)}\n`)).toEqual(pairing);
  });

  it('refuses other text, and never repeats it', () => {
    for (const text of [
      '',
      'x',
      pairing.machineId,
      `${formatPairing(pairing)}.x`,
      formatPairing(pairing).slice(0, -1),
      `no-id.${pairing.secret}`,
    ]) {
      expect(() => parsePairing(text), text).toThrow(failed);
      expect(() => parsePairing(text)).not.toThrow(
        expect.objectContaining({ message: expect.stringContaining(pairing.secret) }),
      );
    }
  });

  it('enrolls with the right secret only, and only with what was said', () => {
    const bytes = createEnrollRequest(fields, pairing.secret);
    expect(verifyEnrollRequest(bytes, pairing.secret)).toMatchObject(fields);
    expect(bytes.toString()).not.toContain(pairing.secret);
    expect(() => verifyEnrollRequest(bytes, createPairing().secret)).toThrow(failed);
    const changed = Buffer.from(bytes.toString().replace('web-1', 'web-2'));
    expect(() => verifyEnrollRequest(changed, pairing.secret)).toThrow(failed);
    expect(() => verifyEnrollRequest(Buffer.from('{'), pairing.secret)).toThrow(failed);
    expect(() => verifyEnrollRequest(Buffer.alloc(1_000_000, ' '), pairing.secret)).toThrow(failed);
  });

  it('holds whatever the order of the members', () => {
    const request: unknown = JSON.parse(createEnrollRequest(fields, pairing.secret).toString());
    const reversed = Object.fromEntries(Object.entries(request ?? {}).reverse());
    expect(verifyEnrollRequest(Buffer.from(JSON.stringify(reversed)), pairing.secret)).toMatchObject(fields);
  });
});
