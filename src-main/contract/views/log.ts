/** Owns the plain views of a job's log: a part of it by byte range, and what a search through all of it found. */
import { z } from 'zod';
import { bytes, time } from './units.ts';

export const logChunkSchema = z.object({
  /** Whole lines where possible; sanitised text with ANSI colours. */
  text: z.string(),
  offset: bytes,
  nextOffset: bytes,
  totalBytes: bytes,
  /** Number of the line that `offset` lies in, from 1. */
  line: z.number().int().positive(),
  /** No more will be written. */
  complete: z.boolean(),
  /** Since when it is not kept any more; its text is empty then. */
  reclaimedAtMs: time.nullable(),
});
export type LogChunk = z.infer<typeof logChunkSchema>;

export const logMatchSchema = z.object({
  /** Where the line begins in the log. */
  offset: bytes,
  /** From 1. */
  line: z.number().int().positive(),
  /** The line as it is shown, without colours; of a long one, what is around the match. */
  text: z.string(),
});
export type LogMatch = z.infer<typeof logMatchSchema>;

export const logSearchSchema = z.object({
  /** Lines that hold the text, in the log's order. */
  matches: z.array(logMatchSchema),
  /** How many lines of the whole log hold it. */
  total: z.number().int().nonnegative(),
  lineCount: z.number().int().nonnegative(),
  /** How much of the log there was. */
  totalBytes: bytes,
  /** `after` of a search that goes on; null where all are listed. */
  next: bytes.nullable(),
  /** Since when the log is not kept any more. */
  reclaimedAtMs: time.nullable(),
});
export type LogSearch = z.infer<typeof logSearchSchema>;
