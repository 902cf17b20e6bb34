/** Owns the units that every view counts in. */
import { z } from 'zod';

/** UTC milliseconds. */
export const time = z.number().int().nonnegative();
export const bytes = z.number().nonnegative();
