/** Owns the words for what opens private repositories of a Git server: what a person gives, by host, and what is shown of it. */
import { z } from 'zod';

/** As a person typed it: a host, with a port where it has one, or any of its URLs. The engine reads it. */
export const gitHostSchema = z.string().trim().min(1).max(2_000);

const printable = /^[^\p{Cc}]+$/u;

export const gitAccessSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('token'),
    /** Left out: what the forge wants beside a token. No colon: it ends the name in HTTP (RFC 7617). */
    user: z
      .string()
      .min(1)
      .max(200)
      .regex(printable)
      .regex(/^[^:]+$/, 'a user name has no colon')
      .optional(),
    token: z.string().min(1).max(4_000).regex(printable, 'a token is one line without control characters'),
  }),
  /** The credential helpers of the person's own git are asked. */
  z.strictObject({ kind: z.literal('system') }),
]);
export type GitAccess = z.infer<typeof gitAccessSchema>;

/** Never the token. */
export const gitAccessViewSchema = z.object({
  host: z.string(),
  kind: z.enum(['token', 'system']),
  /** Null where the person's own git says it. */
  user: z.string().nullable(),
  setAtMs: z.number().int().nonnegative(),
});
export type GitAccessView = z.infer<typeof gitAccessViewSchema>;
