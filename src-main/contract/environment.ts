/** Owns the shapes of what builds of a repository get as environment. A secret's value goes in here, and never comes out. */
import { z } from 'zod';

/** What a process environment can carry on every platform. */
export const variableNameSchema = z
  .string()
  .max(200)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'use letters, digits and _ in the name of a variable');

/** A name that a person may set. Slipway finds a build's processes by its own variables, so theirs are taken. */
export const ownNameSchema = variableNameSchema.refine(
  name => !/^(?:SLIPWAY(?:_.*)?|__proto__)$/i.test(name),
  'names that begin with SLIPWAY are kept for Slipway; choose another',
);

/** Shorter values stand all over a log by chance, so they could not be masked. */
export const minSecretChars = 6;
/** Below what one variable may hold on every platform. Source: Windows, 32,767 characters; Linux, MAX_ARG_STRLEN. */
const maxValueChars = 32_000;
const printable = /^[\P{Cc}\t\n\r\u0080-\u009f]*$/u;
const textSchema = z
  .string()
  .max(maxValueChars, `at most ${maxValueChars} characters fit into a variable`)
  .regex(printable, 'control characters cannot be used; encode the value, for example in Base64');

export const variableValueSchema = textSchema;
export const secretValueSchema = textSchema.refine(
  value => value.trim().length >= minSecretChars,
  `a secret has at least ${minSecretChars} characters, or it could not be masked in the log; use a longer one, or a variable`,
);

const time = z.number().int().nonnegative();

export const environmentViewSchema = z.object({
  /** By name; of one that several places set, the place that wins comes last. */
  variables: z.array(
    z.object({
      name: z.string(),
      value: z.string(),
      /** `repository` is set here, `pipeline` at the top of slipway.yml, `step` in one of its steps. */
      origin: z.enum(['repository', 'pipeline', 'step']),
      /** The name of the step, for `step`. */
      step: z.string().nullable(),
      /** When it was set, for `repository`. */
      setAtMs: time.nullable(),
    }),
  ),
  secrets: z.array(
    z.object({
      name: z.string(),
      /** Null for one that slipway.yml asks for and that nobody has set. */
      setAtMs: time.nullable(),
      /** Whether the newest plan asks for it. */
      used: z.boolean(),
    }),
  ),
});
export type EnvironmentView = z.infer<typeof environmentViewSchema>;

/** The values of a channel: what releases on it run with. */
export const channelEnvironmentViewSchema = z.object({
  channel: z.string(),
  /** What the channel's current release runs with; null for none. */
  version: z.number().int().positive().nullable(),
  /** What the next release runs with. */
  nextVersion: z.number().int().positive().nullable(),
  /** The values differ from those of the current release: a release takes them live. */
  changed: z.boolean(),
  /** Enrolled machines, to which it is encrypted. */
  machines: z.number().int().nonnegative(),
  /** By name. Each is set by this channel. */
  values: z.array(
    z.object({
      name: z.string(),
      kind: z.enum(['variable', 'secret']),
      /** Null for a secret. */
      value: z.string().nullable(),
      setAtMs: time,
    }),
  ),
});
export type ChannelEnvironmentView = z.infer<typeof channelEnvironmentViewSchema>;
