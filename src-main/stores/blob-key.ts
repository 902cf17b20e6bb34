/** Owns what a blob key may look like, so that no store ever meets a hostile name. */
import { DomainError } from '../contract/errors.ts';

/** GCS and S3 allow 1,024 bytes; below that so that a folder and a temp suffix still fit a path. */
const maxKeyChars = 512;
const maxSegmentChars = 200;

/** Starts with a letter or digit: a dot at the front is kept for the stores' own files, a dash would read as an option. */
const segmentPattern = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** Names that Windows gives to devices, with any extension. Source: "Naming Files, Paths, and Namespaces", Microsoft. */
const deviceName = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

function segmentIsSafe(segment: string): boolean {
  return (
    segment.length <= maxSegmentChars &&
    segmentPattern.test(segment) &&
    !segment.endsWith('.') &&
    !deviceName.test(segment)
  );
}

/** The segments of a key. Throws `input.invalid` for anything that could leave the store or mean two things. */
export function splitKey(key: string): readonly string[] {
  const segments = key.split('/');
  if (key.length > maxKeyChars || !segments.every(segmentIsSafe)) {
    throw new DomainError(
      'input.invalid',
      `${JSON.stringify(key.slice(0, 200))} is not a key of a store: use letters, digits, ".", "_" and "-" in parts separated by "/", none starting or ending with a dot.`,
      { key: key.slice(0, 200) },
    );
  }
  return segments;
}

/**
 * The folder that a listing starts in, and the prefix itself. An empty prefix lists the whole store.
 * Throws `input.invalid`.
 */
export function splitPrefix(prefix: string): readonly string[] {
  const end = prefix.lastIndexOf('/');
  const rest = prefix.slice(end + 1);
  if (rest !== '') splitKey(rest);
  return end < 0 ? [] : splitKey(prefix.slice(0, end));
}
