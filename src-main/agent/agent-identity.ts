/** Owns the machine's own keys: made here, never leaving it. */
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { z } from 'zod';
import { idSchema } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { parsePairing } from '../releases/enrollment.ts';
import { readPrivateFile, replacePrivateFile } from '../secrets/private-file.ts';
import { generateSeed, type Signer, signerFromSeed } from '../secrets/signing-keys.ts';

const maxIdentityBytes = 64 * 1024;

const identitySchema = z.object({
  type: z.literal('slipway.machine-identity/v1'),
  machineId: idSchema,
  /** base64url of the 32-byte Ed25519 private key. */
  signingKey: z.string(),
  ageIdentity: z.string(),
  /** The one-time secret, until the machine is enrolled. */
  pairingSecret: z.string().nullable(),
});
type IdentityDocument = z.infer<typeof identitySchema>;

export interface AgentIdentity {
  readonly machineId: string;
  readonly signer: Signer;
  readonly ageIdentity: string;
  readonly ageRecipient: string;
  readonly pairingSecret: string | null;
}

async function write(path: string, document: IdentityDocument): Promise<void> {
  await replacePrivateFile(path, Buffer.from(`${JSON.stringify(document, null, 2)}\n`, 'utf8'));
}

async function read(path: string): Promise<IdentityDocument | null> {
  const bytes = await readPrivateFile(path, maxIdentityBytes);
  if (bytes === null) return null;
  try {
    return identitySchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    // The cause would hold the key.
    throw new DomainError(
      'secret.key_unreadable',
      `The machine's identity ${path} is damaged. Restore it from a backup, or move it away and pair the machine again.`,
      { path },
    );
  }
}

async function identityOf(document: IdentityDocument): Promise<AgentIdentity> {
  return {
    machineId: document.machineId,
    signer: signerFromSeed(Buffer.from(document.signingKey, 'base64url')),
    ageIdentity: document.ageIdentity,
    ageRecipient: await identityToRecipient(document.ageIdentity),
    pairingSecret: document.pairingSecret,
  };
}

/**
 * The identity in `path`. A pairing code of another machine makes a new one, with new keys; the code of this machine may
 * stay in a service's command line for ever. Throws `trust.pairing_failed`, `secret.key_unreadable`.
 */
export async function openIdentity(path: string, pairing: string | null): Promise<AgentIdentity> {
  const known = await read(path);
  const wanted = pairing === null ? null : parsePairing(pairing);
  if (known !== null && (wanted === null || wanted.machineId === known.machineId)) {
    // Not enrolled yet: the code may have been copied wrong the first time.
    if (wanted === null || known.pairingSecret === null || known.pairingSecret === wanted.secret) {
      return identityOf(known);
    }
    const corrected = { ...known, pairingSecret: wanted.secret };
    await write(path, corrected);
    return identityOf(corrected);
  }
  if (wanted === null) {
    throw new DomainError(
      'trust.pairing_failed',
      'This machine is not paired. Make a pairing code in the control center (Machines, or "slipway machine pair") and give it with --pair.',
    );
  }
  const document: IdentityDocument = {
    type: 'slipway.machine-identity/v1',
    machineId: wanted.machineId,
    signingKey: generateSeed().toString('base64url'),
    ageIdentity: await generateX25519Identity(),
    pairingSecret: wanted.secret,
  };
  await write(path, document);
  return identityOf(document);
}

/** Forgets the one-time secret, once the machine is enrolled. */
export async function forgetPairing(path: string): Promise<void> {
  const document = await read(path);
  if (document !== null && document.pairingSecret !== null) await write(path, { ...document, pairingSecret: null });
}
