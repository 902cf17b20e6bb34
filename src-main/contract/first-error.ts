/** Owns the place in a job's log of the line that first says what went wrong, as failures carry it in `details.firstError`. */
import { z } from 'zod';
import type { ErrorView } from './errors.ts';

const firstErrorSchema = z.object({
  /** Without colours, at most 300 characters. */
  line: z.string(),
  /** Bytes from the beginning of the attempt's log. */
  logOffset: z.number().int().nonnegative(),
});
export type FirstError = z.infer<typeof firstErrorSchema>;

/** Null for a failure that names no line. */
export function firstErrorOf(error: Pick<ErrorView, 'details'> | null): FirstError | null {
  const { success, data } = firstErrorSchema.safeParse(error?.details.firstError);
  return success ? data : null;
}
