import { generateIdentity, identityToRecipient } from 'age-encryption';
import { describe, expect, it } from 'vitest';
import { openEnvironment, sealEnvironment } from '../../../src-main/releases/environment.ts';

const identity = await generateIdentity();
const recipient = await identityToRecipient(identity);

describe('an environment', () => {
  it('opens for each of its machines and for nobody else', async () => {
    const other = await generateIdentity();
    const values = { DATABASE_URL: 'postgres://x', MULTI: 'a\nb "c"' };
    const { bytes, digest } = await sealEnvironment(values, [recipient, await identityToRecipient(other)]);
    expect(await openEnvironment(bytes, identity, digest)).toEqual(values);
    expect(await openEnvironment(bytes, other)).toEqual(values);
    expect(bytes.includes('postgres')).toBe(false);
    await expect(openEnvironment(bytes, await generateIdentity())).rejects.toMatchObject({
      code: 'secret.key_unreadable',
    });
  });

  it('is refused when its bytes are not the ones that the pointer names', async () => {
    const { digest } = await sealEnvironment({ A: '1' }, [recipient]);
    const { bytes } = await sealEnvironment({ A: '1' }, [recipient]);
    await expect(openEnvironment(bytes, identity, digest)).rejects.toMatchObject({ code: 'artifact.digest_mismatch' });
  });

  it('is refused with bad names, bad values or no machine, without telling a value', async () => {
    const invalid = { code: 'input.invalid', message: expect.not.stringContaining('s3cret') };
    await expect(sealEnvironment({ 'A B': 's3cret' }, [recipient])).rejects.toMatchObject(invalid);
    await expect(sealEnvironment({ A: 's3cret\0' }, [recipient])).rejects.toMatchObject(invalid);
    await expect(sealEnvironment({ A: 's3cret' }, [])).rejects.toMatchObject(invalid);
    await expect(sealEnvironment({ A: 's3cret' }, ['nonsense'])).rejects.toMatchObject(invalid);
  });
});
