/** Owns the shapes of a build plan: the ordered steps of a revision, each with the evidence that put it there. */
import { z } from 'zod';
import { activationSchema } from './activation.ts';
import { buildLimitsSchema, isolationRequestSchema } from './isolation.ts';

export const evidenceSchema = z.object({
  file: z.string(),
  line: z.number().int().positive().nullable(),
  reason: z.string(),
});
export type Evidence = z.infer<typeof evidenceSchema>;

export const phaseSchema = z.enum(['prepare', 'build', 'test', 'migrate', 'package']);
export type Phase = z.infer<typeof phaseSchema>;

/** When a step that failed is run again. */
export const stepRetrySchema = z.object({
  /** Runs after the first, at most. */
  times: z.number().int().positive(),
  /** The exit statuses after which it is worth it; null for every one but 0. */
  exitStatuses: z.array(z.number().int()).nullable(),
  delayMs: z.number().int().nonnegative(),
});
export type StepRetry = z.infer<typeof stepRetrySchema>;

/** Where a step runs; each list that is given must match. Globs. */
export const stepConditionSchema = z.object({
  branches: z.array(z.string()).optional(),
  paths: z.array(z.string()).optional(),
});
export type StepCondition = z.infer<typeof stepConditionSchema>;

export const planStepSchema = z.object({
  /** Stable within a plan: `install`, `build`, `test`, or the step's key in slipway.yml. */
  id: z.string(),
  name: z.string(),
  phase: phaseSchema,
  /** A command line for the platform's shell. */
  run: z.string(),
  env: z.record(z.string(), z.string()),
  timeoutMs: z.number().int().positive(),
  idempotent: z.boolean(),
  retry: stepRetrySchema.optional(),
  when: stepConditionSchema.optional(),
  evidence: z.array(evidenceSchema),
});
export type PlanStep = z.infer<typeof planStepSchema>;

export const toolRequirementSchema = z.object({
  /** The program's name on PATH: `node`, `cargo`, `nasm`. */
  program: z.string(),
  version: z.string().nullable(),
  evidence: evidenceSchema,
});
export type ToolRequirement = z.infer<typeof toolRequirementSchema>;

/** `$PORT` stands for the port that the agent gives to a release. */
const withPort = (text: string) => text.replaceAll(/\$(?:PORT\b|\{PORT\})/g, '1');

export const healthHttpSchema = z
  .string()
  .refine(text => z.url({ protocol: /^https?$/ }).safeParse(withPort(text)).success, {
    error: 'write a URL that starts with http:// or https://',
  });
export const healthTcpSchema = z
  .string()
  .refine(text => /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(?:[1-9]\d{0,4})$/.test(withPort(text)), {
    error: 'write host:port, such as 127.0.0.1:8080 or 127.0.0.1:$PORT',
  });

/** Members that came later are left out where nothing is said, so that a pointer of before stays the same. */
export const healthCheckSchema = z.object({
  http: healthHttpSchema.optional(),
  tcp: healthTcpSchema.optional(),
  command: z.string().optional(),
  /** Answers in a row that must be good; left out: 1. */
  passes: z.number().int().positive().max(100).optional(),
  /** From the start, how long failures count for nothing; left out: not at all. */
  startPeriodMs: z.number().int().nonnegative().optional(),
  timeoutMs: z.number().int().positive().default(10_000),
  attempts: z.number().int().positive().max(100).default(5),
  intervalMs: z.number().int().positive().default(1_000),
});
export type HealthCheck = z.infer<typeof healthCheckSchema>;

/** Files that one build leaves for the next ones of its repository. */
export const planCacheSchema = z.object({
  /** Unique within the plan; part of a folder's name. */
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/),
  /** Literal paths inside the checkout; empty where `variable` is set. */
  paths: z.array(z.string()),
  /** The variable by which a tool is told of a folder outside of the checkout; null where `paths` are kept. */
  variable: z.string().nullable(),
  /** The files whose content makes the key; null for every lock file at the root. */
  keyFiles: z.array(z.string()).nullable(),
});
export type PlanCache = z.infer<typeof planCacheSchema>;

/** A project of its own below the root, as in a repository of several; `slipway plan` on its folder plans it. */
export const projectRootSchema = z.object({
  /** `/`-separated, below the planned folder. */
  path: z.string(),
  /** What its plan would be named: see `planSchema.tool`. */
  tool: z.string(),
  evidence: evidenceSchema,
});
export type ProjectRoot = z.infer<typeof projectRootSchema>;

export const planSchema = z.object({
  /** What the steps come from: a slipway.yml, or detection. */
  origin: z.enum(['pipeline', 'detected']),
  /** The tool that names the plan: `node`, `python`, `maven`, `cmake`, `nasm`, `static`, …; `custom` for a slipway.yml. */
  tool: z.string(),
  /**
   * The project's folder below the checkout, `/`-separated; `.` is all of it. Steps run in it, and the artifact's paths and
   * the start command are relative to it. Plans of old builds have none.
   */
  root: z.string().default('.'),
  requirements: z.array(toolRequirementSchema),
  steps: z.array(planStepSchema),
  /**
   * Changes of a database that the repository brings, of phase `migrate`, in the order in which an activation runs them. They
   * are not among `steps`: a build has no database, an activation has. Plans of old builds have none.
   */
  migrations: z.array(planStepSchema).default([]),
  /** Projects below the root that the steps do not build by themselves. Plans of old builds have none. */
  roots: z.array(projectRootSchema).default([]),
  /** Plans of old builds have none. */
  caches: z.array(planCacheSchema).default([]),
  /** Whether an earlier artifact of the very same inputs may be used instead of a build. */
  reusesResults: z.boolean().default(true),
  env: z.record(z.string(), z.string()),
  /** Names only; values come from the secret store. */
  secrets: z.array(z.string()),
  artifact: z.object({
    /** Paths or globs below the checkout whose files make the artifact; `.` takes the whole tree. */
    include: z.array(z.string()).min(1),
    exclude: z.array(z.string()),
  }),
  /** Left out: what the installation gives. */
  isolation: isolationRequestSchema.optional(),
  limits: buildLimitsSchema.optional(),
  start: z.string().nullable(),
  health: healthCheckSchema.nullable(),
  /** Left out: `restart`, the start command alone, nothing shared. */
  activation: activationSchema.optional(),
  evidence: z.array(evidenceSchema),
});
export type Plan = z.infer<typeof planSchema>;
