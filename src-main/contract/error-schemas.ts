/** Owns the schemas of errors as they travel. What an error is, is in errors.ts. */
import { z } from 'zod';
import { type ErrorCode, type ErrorView, errorCodes, type Retry } from './errors.ts';

const retrySchema = z.enum(['automatic', 'user', 'never']) satisfies z.ZodType<Retry>;

export const errorCodeSchema = z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]);

export const errorViewSchema = z.object({
  code: errorCodeSchema,
  message: z.string(),
  details: z.record(z.string(), z.unknown()).default({}),
  retry: retrySchema,
}) satisfies z.ZodType<ErrorView>;
