/** Owns that a release's migrations are run once, by one machine: whose turn it is, what a lost holder means, and the record of it. */
import { join } from 'node:path';
import type { MigrationRecord, Pointer, Trust } from '../contract/documents.ts';
import { DomainError, messageOf } from '../contract/errors.ts';
import { mayRepeat } from '../releases/migration-record.ts';
import type { Installed } from './agent-state.ts';
import { rememberRun } from './leftovers.ts';
import { type FoundMigration, findMigration, holdLease, writeMigration } from './migration-lease.ts';
import type { OpenAgent } from './open-agent.ts';
import { runMigrations } from './run-migrations.ts';

/** The parts of an agent that migrate. */
export type Migrating = Pick<
  OpenAgent,
  'options' | 'folder' | 'state' | 'identity' | 'evidence' | 'reporter' | 'leases' | 'now' | 'signal'
>;

export interface MigrationPlace {
  /** The release's folder, with what is shared linked in. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly release: Installed;
  /** The channel's, which no message may hold. */
  readonly values: Readonly<Record<string, string>>;
}

const interruptedBy = (what: string) =>
  `${what} Look at the database, then say "slipway release migrate resume" or "skip".`;

function interrupted({ serial, message }: MigrationRecord): DomainError {
  return new DomainError(
    'agent.migration_interrupted',
    `Release ${serial} is not activated: its migration is interrupted. ${message ?? ''}`.trim(),
    { serial },
  );
}

function failed({ serial, message }: MigrationRecord): DomainError {
  return new DomainError(
    'agent.migration_failed',
    `Release ${serial} is not activated: ${message ?? 'its migration failed'}. Release another build, or say "slipway release migrate resume" or "skip" once the database is right.`,
    { serial },
  );
}

/** Says that the holder is lost, and throws that a person must decide. */
async function giveToPerson(agent: Migrating, found: FoundMigration, why: string): Promise<never> {
  const record: MigrationRecord = {
    ...found.record,
    state: 'interrupted',
    token: found.record.token + 1,
    message: interruptedBy(why),
    changedAtMs: agent.now(),
  };
  await writeMigration(found, record, agent.identity.signer);
  throw interrupted(record);
}

/** Takes the lock under the next token; null where another machine was faster. */
async function take(agent: Migrating, found: FoundMigration): Promise<FoundMigration | null> {
  const { identity, state, now, options } = agent;
  const token = found.record.token + 1;
  const { releaseId } = found.record;
  // Before the store: a record of ours that names a token which this machine never noted is not ours.
  await state.update({ migration: { releaseId, token, ended: false } });
  return writeMigration(
    found,
    {
      ...found.record,
      state: 'running',
      token,
      beat: 0,
      machineId: identity.machineId,
      leaseMs: options.migrationLeaseMs ?? found.record.leaseMs,
      message: null,
      changedAtMs: now(),
    },
    identity.signer,
  );
}

/** The last word on a migration that this machine ran. Throws `agent.migration_lock` where it is no longer its to say. */
async function tell(agent: Migrating, held: FoundMigration, changes: Partial<MigrationRecord>): Promise<void> {
  const written = await writeMigration(
    held,
    { ...held.record, ...changes, changedAtMs: agent.now() },
    agent.identity.signer,
  );
  if (written !== null) return;
  throw new DomainError(
    'agent.migration_lock',
    `The migration of release ${held.record.serial} was given to somebody else while this machine ran it. It is looked at again.`,
    { serial: held.record.serial },
  );
}

/** Runs what the release brings, as the holder. Throws `agent.migration_*`, `store.*`, the signal's reason. */
async function run(agent: Migrating, taken: FoundMigration, pointer: Pointer, place: MigrationPlace): Promise<void> {
  const { options, folder, state, identity, reporter, now, signal } = agent;
  const { releaseId, token } = taken.record;
  reporter.set({ phase: 'migrating', progress: null, message: null });
  const lease = holdLease(taken, identity.signer, now, options.logger);
  const { env } = await rememberRun(folder.migrationRunFile);
  const problem = await runMigrations({
    migrations: pointer.migrations ?? [],
    cwd: place.cwd,
    env: { ...place.env, ...env },
    secrets: Object.values(place.values),
    logFile: join(folder.logs, 'migrations.log'),
    signal: AbortSignal.any([signal, lease.lost]),
  }).catch((error: unknown) => ({ message: messageOf(error), lastOutput: '' }));
  const held = await lease.end();
  if (problem === null) {
    await state.update({ migration: { releaseId, token, ended: true } });
    await tell(agent, held, { state: 'succeeded', message: null });
    return;
  }
  if (lease.lost.aborted || signal.aborted) {
    const why = signal.aborted
      ? `The agent of ${options.name} was stopped while it migrated.`
      : `${options.name} could not keep the lock while it migrated.`;
    await giveToPerson(agent, held, why);
  }
  const message = problem.message.slice(0, 4_000);
  const error = failed({ ...held.record, message });
  await agent.evidence.keep({
    release: place.release,
    backAtSerial: state.value.current?.serial ?? null,
    error,
    answers: [],
    lastOutput: problem.lastOutput,
    unitLog: null,
    values: place.values,
    atMs: now(),
  });
  await state.update({ evidenceSerial: place.release.serial });
  await tell(agent, held, { state: 'failed', message });
  throw error;
}

/**
 * Makes sure that the migrations of `pointer` have been run, by this machine or another; false where another runs them now. May be
 * repeated at any time. Throws `agent.migration_failed`, `agent.migration_interrupted` (a person decides), `agent.migration_lock`,
 * `store.*`, `trust.*`.
 */
export async function migrate(
  agent: Migrating,
  trust: Trust,
  pointer: Pointer,
  place: MigrationPlace,
): Promise<boolean> {
  const { options, state, identity, leases } = agent;
  const { migrations = [], releaseId, serial } = pointer;
  if (migrations.length === 0) return true;
  const found = await findMigration(options.stores, trust, pointer);
  const { record } = found;
  const runItself = async () => {
    const taken = await take(agent, found);
    if (taken === null) return false;
    await run(agent, taken, pointer, place);
    return true;
  };
  switch (record.state) {
    case 'succeeded':
    case 'skipped':
      return true;
    case 'failed':
      throw failed(record);
    case 'interrupted':
      throw interrupted(record);
    case 'pending':
      return runItself();
    case 'running': {
      const note = state.value.migration;
      const isOurs = record.machineId === identity.machineId;
      const isNoted = isOurs && note?.releaseId === releaseId && note.token === record.token;
      if (isNoted && note.ended) {
        await tell(agent, found, { state: 'succeeded', message: null });
        return true;
      }
      if (!isOurs && !leases.isLost(record)) return false;
      if (mayRepeat(migrations)) return runItself();
      const holder = trust.machines.find(machine => machine.machineId === record.machineId)?.name ?? record.machineId;
      const why = isOurs
        ? `The agent of ${options.name} was killed while it migrated.`
        : `${holder} has not been heard of since it began to migrate for release ${serial}.`;
      return giveToPerson(agent, found, why);
    }
  }
}
