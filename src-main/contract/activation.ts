/** Owns what a release says of its activation on a machine: shared paths, migrations, how it is switched. Not how a person writes it. */
import { z } from 'zod';

/** A change of the database that a release brings: run once for it, on one machine, in the release's folder. */
export const migrationSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** A command line for the platform's shell. */
  run: z.string(),
  env: z.record(z.string(), z.string()),
  timeoutMs: z.number().int().positive(),
  /** Whether a run that was cut may be repeated without asking. */
  idempotent: z.boolean(),
});
export type Migration = z.infer<typeof migrationSchema>;

/** Names of systemd, as systemd.unit(5) has them; never an option of systemctl. */
export const unitNameSchema = z
  .string()
  .max(255)
  .regex(/^[A-Za-z0-9:_.@\\][A-Za-z0-9:_.@\\-]*\.(?:service|socket|target)$/, 'write a unit such as app.service');

export const signalNameSchema = z.enum(['HUP', 'USR1', 'USR2', 'TERM', 'INT']);

/** What makes the machine take the switched release. */
export const switchHookSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('command'), command: z.string() }),
  z.object({ kind: z.literal('unit'), unit: unitNameSchema }),
  /** `pidFile`: absolute, or below the agent's root. */
  z.object({ kind: z.literal('signal'), signal: signalNameSchema, pidFile: z.string() }),
]);
export type SwitchHook = z.infer<typeof switchHookSchema>;

export const activationSchema = z.object({
  /** `restart` ends the old before the new is started; `overlap` starts the new beside it, on a port of its own. */
  mode: z.enum(['restart', 'overlap']),
  /** Of `overlap`: from the switch to the end of the old. */
  drainMs: z.number().int().nonnegative(),
  /** Instead of the start command for `restart`; beside it, once the new is well, for `overlap`. */
  hook: switchHookSchema.nullable(),
  /** Paths of the release that live on from one release to the next, below the agent's `shared/`. */
  shared: z.array(z.string()).max(100),
});
export type Activation = z.infer<typeof activationSchema>;

/** Whose word ends a migration that neither succeeded nor may be repeated. */
export const migrationStates = ['pending', 'running', 'succeeded', 'failed', 'interrupted', 'skipped'] as const;
export const migrationStateSchema = z.enum(migrationStates);
export type MigrationState = z.infer<typeof migrationStateSchema>;

/** Where the migrations of a release stand, as people see it. */
export const migrationViewSchema = z.object({
  state: migrationStateSchema,
  /** Grows each time that somebody takes or gives the migration; what an earlier holder says after that counts no more. */
  token: z.number().int().nonnegative(),
  machineId: z.string().nullable(),
  /** Names of the migrations, in order. */
  names: z.array(z.string()),
  /** Why it failed or is interrupted, or the reason that a person gave. */
  message: z.string().nullable(),
  atMs: z.number().int().nonnegative(),
});
export type MigrationView = z.infer<typeof migrationViewSchema>;
