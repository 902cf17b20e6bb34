/** Owns the form of the master key's file: the bare key, or the key as a system's key store wrapped it, and which one. */
import { z } from 'zod';
import { DomainError, messageOf } from '../contract/errors.ts';

export const masterKeyBytes = 32;
/** Key stores add some hundred bytes at most. */
export const maxKeyFileBytes = 64 * 1024;

/** The system's key store, as a host reaches it. Wrapped bytes open for this user on this machine alone. */
export interface KeyWrap {
  /** Which one, for the file and for people: `Electron safeStorage`. */
  readonly name: string;
  wrap(key: Uint8Array): Promise<Buffer>;
  /** Rejects for what it has not wrapped. */
  unwrap(wrapped: Uint8Array): Promise<Buffer>;
}

const wrappedSchema = z.object({
  type: z.literal('slipway.master-key/v1'),
  wrappedBy: z.string().min(1).max(100),
  key: z.base64(),
});

export type KeyFile =
  | { readonly form: 'bare'; readonly key: Buffer }
  | { readonly form: 'wrapped'; readonly wrappedBy: string; readonly wrapped: Buffer };

/** What the bytes of a key file are; null for neither form. */
export function parseKeyFile(bytes: Buffer): KeyFile | null {
  // The other form is longer: no 32 bytes are such a document.
  if (bytes.length === masterKeyBytes) return { form: 'bare', key: bytes };
  try {
    const { wrappedBy, key } = wrappedSchema.parse(JSON.parse(bytes.toString('utf8')));
    return { form: 'wrapped', wrappedBy, wrapped: Buffer.from(key, 'base64') };
  } catch {
    return null;
  }
}

/** The file of a wrapped key, seen to open again. Throws `secret.key_unreadable` when the key store does not give it back. */
export async function wrappedKeyFile(key: Uint8Array, wrap: KeyWrap): Promise<Buffer> {
  const wrapped = await wrap.wrap(key);
  if (!(await wrap.unwrap(wrapped)).equals(key)) {
    throw new DomainError(
      'secret.key_unreadable',
      `${wrap.name} did not give back the master key that it took. The key file was not changed.`,
    );
  }
  const document = { type: 'slipway.master-key/v1', wrappedBy: wrap.name, key: wrapped.toString('base64') };
  return Buffer.from(`${JSON.stringify(document)}\n`, 'utf8');
}

/** The key in a wrapped file. Throws `secret.key_wrapped` without the key store, `secret.key_unreadable` when it does not open. */
export async function unwrapKeyFile(
  { wrappedBy, wrapped }: Extract<KeyFile, { form: 'wrapped' }>,
  wrap: KeyWrap | null,
  path: string,
): Promise<Buffer> {
  if (wrap === null) {
    throw new DomainError(
      'secret.key_wrapped',
      `The master key ${path} is held by the system's key store (${wrappedBy}), which only the desktop app of the same user opens, while that key store is unlocked. Start the desktop app on this data folder; to go on without it, run "slipway key unwrap" while it runs.`,
      { path, wrappedBy },
    );
  }
  const refused = (cause: unknown) =>
    new DomainError(
      'secret.key_unreadable',
      `The system's key store (${wrappedBy}) does not open the master key ${path}: ${messageOf(cause)}. It opens for the user and on the machine that wrapped it. Unlock the key store, or restore the folder of keys from a copy that was made after "slipway key unwrap".`,
      { path, wrappedBy },
      { cause },
    );
  let key: Buffer;
  try {
    key = await wrap.unwrap(wrapped);
  } catch (error) {
    throw refused(error);
  }
  if (key.length !== masterKeyBytes) throw refused(new Error(`it gave ${key.length} bytes`));
  return key;
}
