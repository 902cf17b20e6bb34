/** Owns taking a release's values out of text that leaves the machine. */
import { createMasker } from '../secrets/masking.ts';

/** The text with every value in it, in any of its usual forms, replaced; those of fewer than six characters tell nothing, and stay. */
export function maskText(text: string, values: readonly string[]): string {
  const masker = createMasker(values);
  return Buffer.concat([masker.push(Buffer.from(text)), masker.end()]).toString('utf8');
}
