/** Owns what the parts of the contract share: how a route is written, and what names a person may give. */
import { oc } from '@orpc/contract';
import { z } from 'zod';
import { idSchema } from './documents.ts';

export const done = z.object({ done: z.literal(true) });
export const byId = z.object({ id: idSchema });

export const route = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: `/${string}`, summary: string) =>
  oc.route({ method, path, summary });

/** A name that a person gives: shown, never used as a path. */
export const displayNameSchema = z
  .string()
  .trim()
  .min(1, 'a name is needed')
  .max(100, 'at most 100 characters')
  .regex(/^[^\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u, 'control characters are not allowed');

/** A branch as Git allows it, a little stricter. Source: git-check-ref-format(1). */
export const branchNameSchema = z
  .string()
  .min(1, 'a branch is needed')
  .max(255)
  .regex(
    /^(?![-/.])(?!.*(?:\.\.|\/\/|@\{|\.lock(?:\/|$)|\/\.|[/.]$))[^\s\u007f~^:?*[\\]+$/,
    'this is not a branch name',
  );
