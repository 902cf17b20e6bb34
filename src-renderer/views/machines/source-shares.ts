/** Owns the shares of the three sources of bytes. Pure. */
import type { BytesBySource } from '../../../src-main/contract/documents.ts';

export const sources = ['peers', 'region', 'reuse'] as const satisfies readonly (keyof BytesBySource)[];

export interface SourceShare {
  readonly source: keyof BytesBySource;
  /** 0 to 1 of the whole bar. */
  readonly share: number;
}

/** The sources that gave anything, in their fixed order. `ofBytes` below the sum counts as the sum. */
export function sourceShares(bytes: BytesBySource, ofBytes = 0): SourceShare[] {
  const sum = sources.reduce((total, source) => total + bytes[source], 0);
  const whole = Math.max(sum, ofBytes);
  if (whole === 0) return [];
  return sources.map(source => ({ source, share: bytes[source] / whole })).filter(part => part.share > 0);
}

/** The one binary unit that all numbers of a column share, and its bytes. */
export function commonUnit(largestBytes: number): { readonly unit: string; readonly bytes: number } {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let power = 0;
  while (power < units.length - 1 && largestBytes >= 1024 ** (power + 1)) power++;
  return { unit: units[power] ?? 'B', bytes: 1024 ** power };
}

/** A number of that unit, short enough for a narrow column: `0`, `0.4`, `7`, `141`. */
export function inUnit(bytes: number, unitBytes: number): string {
  const value = bytes / unitBytes;
  if (value === 0) return '0';
  return value < 0.95 && unitBytes > 1 ? value.toFixed(1) : value.toFixed(0);
}
