/** Owns a channel's environment as bytes that only the channel's machines can open. */
import { createHash } from 'node:crypto';
import { Decrypter, Encrypter } from 'age-encryption';
import { z } from 'zod';
import { DomainError } from '../contract/errors.ts';

/** Linux refuses a single string of more than 128 KiB in an environment, and a few MiB in all. Source: execve(2). */
const maxValueChars = 128 * 1024;
export const maxEnvironmentBytes = 2 * 1024 * 1024;

const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;
const valuesSchema = z.record(
  z.string().regex(namePattern, 'names are letters, digits and "_", and do not begin with a digit'),
  z
    .string()
    .max(maxValueChars)
    .refine(value => !value.includes('\0'), 'a value cannot hold a NUL character'),
);
const environmentSchema = z.object({ type: z.literal('slipway.environment/v1'), values: valuesSchema });

/** Whether environments can be encrypted to this recipient. */
export function isAgeRecipient(recipient: string): boolean {
  try {
    new Encrypter().addRecipient(recipient);
    return true;
  } catch {
    return false;
  }
}

/**
 * Encrypts `values` to the age recipients of the channel's machines (at least one). `digest` is the SHA-256 of the bytes
 * and names their blob. Throws `input.invalid`, naming the variable but never its value.
 */
export async function sealEnvironment(
  values: Readonly<Record<string, string>>,
  recipients: readonly string[],
): Promise<{ readonly bytes: Buffer; readonly digest: string }> {
  const parsed = valuesSchema.safeParse(values);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new DomainError('input.invalid', `Environment variable ${issue?.path.join('.')}: ${issue?.message}.`);
  }
  if (recipients.length === 0) {
    throw new DomainError(
      'input.invalid',
      'The channel has no machine that its environment could be encrypted to. Pair a machine first.',
    );
  }
  const encrypter = new Encrypter();
  for (const recipient of recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch (error) {
      throw new DomainError(
        'input.invalid',
        `A machine has an age recipient that is not valid. Pair it again.`,
        { recipient },
        { cause: error },
      );
    }
  }
  const plaintext = JSON.stringify({ type: 'slipway.environment/v1', values: parsed.data });
  const bytes = Buffer.from(await encrypter.encrypt(plaintext));
  if (bytes.length > maxEnvironmentBytes) {
    throw new DomainError(
      'input.invalid',
      `The environment has ${bytes.length} bytes; ${maxEnvironmentBytes} are allowed.`,
    );
  }
  return { bytes, digest: createHash('sha256').update(bytes).digest('hex') };
}

/**
 * The values of an environment, with this machine's age identity; `digest` is what the pointer names.
 * Throws `artifact.digest_mismatch`, and `secret.key_unreadable` when it is not encrypted to this machine.
 */
export async function openEnvironment(
  bytes: Uint8Array,
  identity: string,
  digest?: string,
): Promise<Readonly<Record<string, string>>> {
  if (digest !== undefined && createHash('sha256').update(bytes).digest('hex') !== digest) {
    throw new DomainError(
      'artifact.digest_mismatch',
      'The environment in the store is not the one that the pointer names. It is fetched again.',
      { digest },
    );
  }
  let plaintext: string;
  try {
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    plaintext = await decrypter.decrypt(bytes, 'text');
  } catch (error) {
    throw new DomainError(
      'secret.key_unreadable',
      'The environment of the channel is not encrypted to this machine. Promote the release again, which encrypts it to every machine that is paired now.',
      { digest: digest ?? null },
      { cause: error },
    );
  }
  try {
    return environmentSchema.parse(JSON.parse(plaintext)).values;
  } catch {
    // The cause would hold values in plain text.
    throw new DomainError(
      'store.malformed',
      'The environment of the channel is not as this version expects. Update the agent, or set it again.',
    );
  }
}
