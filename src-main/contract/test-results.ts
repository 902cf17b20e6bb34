/** Owns what the interface, the CLI and scripts read of a job's tests, and how each test is kept. Texts are other people's: plain, bounded. */
import { z } from 'zod';

const count = z.number().int().nonnegative();

export const testOutcomeSchema = z.enum(['passed', 'failed', 'skipped']);
export type TestOutcome = z.infer<typeof testOutcomeSchema>;

/** Characters that are kept of each text: what a person reads of one test. */
export const maxTestNameChars = 200;
export const maxTestMessageChars = 1_000;
export const maxTestOutputChars = 4_000;

export const testCaseSchema = z.object({
  /** The step that wrote the report. */
  step: z.string(),
  /** The class or file that the report names; empty where it names none. */
  className: z.string(),
  name: z.string(),
  outcome: testOutcomeSchema,
  /** Null where the report does not say. */
  durationMs: z.number().nonnegative().nullable(),
  /** What the failure says in a line or a few, or why the test was skipped. */
  message: z.string().nullable(),
  /** The trace, and what the test printed, of a failed test. */
  output: z.string().nullable(),
});
export type TestCase = z.infer<typeof testCaseSchema>;

export const testSummarySchema = z.object({
  total: count,
  failed: count,
  skipped: count,
  /** JUnit files. */
  files: count,
  /** The sum of the tests' own times; they may have run beside one another. */
  durationMs: z.number().nonnegative(),
  /** Tests that are kept one by one; beyond a limit they are counted alone. */
  kept: count,
  /** At most ten, the slowest first. */
  slowest: z.array(testCaseSchema.omit({ message: true, output: true })),
});
export type TestSummary = z.infer<typeof testSummarySchema>;

export const testPageSchema = z.object({
  /** Null where no step of the attempt wrote a report. */
  summary: testSummarySchema.nullable(),
  /** In the order of the reports. */
  tests: z.array(testCaseSchema),
  /** Where the next page begins, for `after`; null at the end. */
  next: z.number().int().positive().nullable(),
  /** Since when they are not kept any more; there was something to list, or not. */
  reclaimedAtMs: z.number().int().nonnegative().nullable(),
});
export type TestPage = z.infer<typeof testPageSchema>;
