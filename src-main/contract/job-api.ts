/** Owns the calls on jobs and on what they made. */
import { z } from 'zod';
import { byId, route } from './api-values.ts';
import { pinBuildRoute } from './disk.ts';
import { idSchema } from './documents.ts';
import { testOutcomeSchema, testPageSchema } from './test-results.ts';
import { buildViewSchema, sbomViewSchema } from './views/build.ts';
import { jobDetailSchema, jobStatusSchema, jobSummarySchema } from './views/job.ts';
import { logChunkSchema, logSearchSchema } from './views/log.ts';

export const jobsApi = {
  list: route('GET', '/jobs', 'Jobs, newest first')
    .input(
      z.object({
        repositoryId: idSchema.optional(),
        status: jobStatusSchema.optional(),
        before: z.coerce.number().int().positive().optional(),
        limit: z.coerce.number().int().min(1).max(500).default(100),
      }),
    )
    .output(z.object({ jobs: z.array(jobSummarySchema), total: z.number().int() })),
  get: route('GET', '/jobs/{id}', 'One job with steps and attempts').input(byId).output(jobDetailSchema),
  log: route('GET', '/jobs/{id}/log', 'Part of the log by byte range')
    .input(
      z.object({
        id: idSchema,
        attempt: z.coerce.number().int().positive().optional(),
        offset: z.coerce.number().int().nonnegative().default(0),
        limit: z.coerce
          .number()
          .int()
          .min(1)
          .max(1024 * 1024)
          .default(256 * 1024),
        /** `line` begins where the line begins that holds `offset`. */
        start: z.enum(['exact', 'line']).default('exact'),
      }),
    )
    .output(logChunkSchema),
  searchLog: route('GET', '/jobs/{id}/log/search', 'Lines of the whole log that hold a text')
    .input(
      z.object({
        id: idSchema,
        attempt: z.coerce.number().int().positive().optional(),
        text: z
          .string()
          .min(1, 'what to look for is missing')
          .max(200, 'at most 200 characters')
          .regex(/^[^\r\n]*$/, 'a search stays within a line'),
        case: z.enum(['match', 'ignore']).default('ignore'),
        /** The `next` of the search before. */
        after: z.coerce.number().int().nonnegative().default(0),
        limit: z.coerce.number().int().min(1).max(5_000).default(200),
      }),
    )
    .output(logSearchSchema),
  tests: route('GET', '/jobs/{id}/tests', 'Tests of an attempt, from the JUnit files that its steps wrote')
    .input(
      z.object({
        id: idSchema,
        attempt: z.coerce.number().int().positive().optional(),
        outcome: testOutcomeSchema.optional(),
        /** The `next` of the page before. */
        after: z.coerce.number().int().nonnegative().default(0),
        limit: z.coerce.number().int().min(1).max(200).default(50),
      }),
    )
    .output(testPageSchema),
  junit: route('GET', '/jobs/{id}/junit', 'Steps and tests of an attempt as a JUnit document')
    .input(z.object({ id: idSchema, attempt: z.coerce.number().int().positive().optional() }))
    .output(z.object({ document: z.string() })),
  cancel: route('POST', '/jobs/{id}/cancel', 'Cancel a queued or running job').input(byId).output(jobSummarySchema),
  retry: route('POST', '/jobs/{id}/retry', 'Run a finished job again as its next attempt')
    .input(byId)
    .output(jobSummarySchema),
};

export const buildsApi = {
  list: route('GET', '/builds', 'What jobs made, newest first')
    .input(
      z.object({
        repositoryId: idSchema.optional(),
        limit: z.coerce.number().int().min(1).max(200).default(50),
      }),
    )
    .output(z.array(buildViewSchema)),
  components: route('GET', '/builds/{id}/components', 'What the SBOM of a build, or of a job, lists')
    .input(byId)
    .output(sbomViewSchema),
  sbom: route('GET', '/builds/{id}/sbom', 'The SBOM of a build, or of a job: CycloneDX 1.6 JSON')
    .input(byId)
    .output(z.object({ buildId: idSchema, document: z.string() })),
  pin: pinBuildRoute,
};
