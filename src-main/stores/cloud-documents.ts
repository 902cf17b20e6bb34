/** Owns what the stores of all cloud providers refuse alike, before or after asking the server. */
import { DomainError } from '../contract/errors.ts';
import { splitKey } from './blob-key.ts';
import type { ByteRange } from './blob-store.ts';

/** Whether a name in a bucket is one of ours: others may lie there too, and no key can name them. */
export function isKey(name: string): boolean {
  try {
    splitKey(name);
    return true;
  } catch {
    return false;
  }
}

export function rangeOutside(key: string, { start, end }: ByteRange): DomainError {
  return new DomainError('input.invalid', `Bytes ${start}-${end} lie outside ${key}.`, { key });
}

/** Throws `input.invalid` for a range that no blob has; whether this one has it, the server says. */
export function refuseRange(key: string, range: ByteRange): void {
  const { start, end } = range;
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start) {
    throw rangeOutside(key, range);
  }
}

export function documentTooLarge(key: string, url: string, sizeBytes: number, maxBytes: number): DomainError {
  return new DomainError(
    'store.malformed',
    `${key} in the store ${url} has ${sizeBytes} bytes, more than the ${maxBytes} that such a document may have. Nothing was read; publish it again.`,
    { key, sizeBytes, maxBytes },
  );
}
