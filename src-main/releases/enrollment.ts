/** Owns pairing: the one-time secret that a person carries to a machine, and the request that proves it. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { type EnrollRequest, enrollRequestSchema, idSchema } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { canonicalJson } from './canonical-json.ts';

const secretBytes = 32;
/** A request has about 600 bytes. */
export const maxEnrollBytes = 16 * 1024;

export interface Pairing {
  readonly machineId: string;
  /** base64url of 32 random bytes. */
  readonly secret: string;
}

/** A new pairing for one machine; its text form goes to the machine, its secret is kept sealed until the machine enrolls. */
export function createPairing(): Pairing {
  return { machineId: uuidv7(), secret: randomBytes(secretBytes).toString('base64url') };
}

/** The text that a person pastes on the machine: `<machineId>.<secret>`. */
export function formatPairing({ machineId, secret }: Pairing): string {
  return `${machineId}.${secret}`;
}

/** Throws `trust.pairing_failed`; the message never repeats the text, which is a secret. */
export function parsePairing(text: string): Pairing {
  const [machineId, secret, ...rest] = text.trim().split('.');
  const isSecret = secret !== undefined && /^[A-Za-z0-9_-]{43}$/.test(secret);
  if (!idSchema.safeParse(machineId).success || machineId === undefined || !isSecret || rest.length > 0) {
    throw failed('The pairing code is not complete. Copy the whole of it, or make a new one in the control center.');
  }
  return { machineId, secret };
}

function failed(message: string, details: Record<string, unknown> = {}): DomainError {
  return new DomainError('trust.pairing_failed', message, details);
}

function macOf(fields: Omit<EnrollRequest, 'mac'>, secret: string): Buffer {
  return createHmac('sha256', Buffer.from(secret, 'base64url')).update(canonicalJson(fields)).digest();
}

/** The bytes of a machine's request. The secret itself is not in it. Throws zod's error for fields that do not fit. */
export function createEnrollRequest(fields: Omit<EnrollRequest, 'mac' | 'type'>, secret: string): Buffer {
  const unsigned = enrollRequestSchema.omit({ mac: true }).parse({ ...fields, type: 'slipway.enroll/v1' });
  const request: EnrollRequest = { ...unsigned, mac: macOf(unsigned, secret).toString('base64') };
  return Buffer.from(`${JSON.stringify(request)}\n`, 'utf8');
}

/**
 * The request, if it was made with `secret`. The caller finds the secret by the machine id in the blob's key, and uses it
 * once. Throws `trust.pairing_failed`.
 */
export function verifyEnrollRequest(bytes: Uint8Array, secret: string): EnrollRequest {
  let json: unknown = null;
  try {
    if (bytes.length <= maxEnrollBytes) json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    // Falls to the refusal below: not JSON is not a request.
  }
  const parsed = enrollRequestSchema.safeParse(json);
  if (!parsed.success)
    throw failed('A machine asked to be enrolled with a request that cannot be read. Pair it again.');
  const { mac, ...fields } = parsed.data;
  const wanted = macOf(fields, secret);
  const given = Buffer.from(mac, 'base64');
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    throw failed(
      `Machine ${fields.machineId} asked to be enrolled without the right pairing code. It was refused; make a new code if this was you.`,
      { machineId: fields.machineId },
    );
  }
  return parsed.data;
}
