/** Owns the rollouts of what channels run: planned at a release, widened as machines report, stopped or continued by a person. */
import { machineReportSchema } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { type Rollout, type RolloutRequest, rolloutRequestSchema, rolloutSchema } from '../contract/rollout.ts';
import { appendEvent } from '../database/events.ts';
import { fromJson } from '../database/json-column.ts';
import { listMachines, type MachineRecord } from '../database/machines.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import {
  type ChannelRecord,
  findRelease,
  listChannels,
  listCurrentReleases,
  type ReleaseRecord,
  updateRelease,
} from '../database/releases.ts';
import type { Clock } from '../domain/clock.ts';
import { advance, planRollout, type RolloutReport } from '../domain/rollout.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface RolloutService {
  /** Of a release about to be made: as asked for, else as the channel does it. Null where all may go at once. */
  plan(channel: ChannelRecord, request: RolloutRequest | null): Promise<string | null>;
  /** Widens what may be widened by the reports of now. Never throws. */
  look(): Promise<void>;
  /** Throws `conflict` where there is no rollout to decide on. */
  decide(channel: ChannelRecord, verdict: 'continue' | 'stop', reason: string): Promise<ReleaseRecord>;
}

function stateOn(machine: MachineRecord, serial: number): RolloutReport {
  const { id, name, region } = machine;
  const report = fromJson(machineReportSchema, machine.report);
  const isBack = report?.targetSerial === serial && report.phase === 'rolled_back';
  const isOn = report?.serial === serial && report.phase === 'active' && report.health !== 'unhealthy';
  return { id, name, region, state: isBack ? 'back' : isOn ? 'on' : 'pending' };
}

export function createRolloutService(options: {
  readonly db: Db;
  readonly clock: Clock;
  readonly logger: Logger;
  /** More machines may go, or none: the pointers say so. */
  readonly onChanged: () => void;
}): RolloutService {
  const { db, clock, logger, onChanged } = options;

  async function machinesOf({ repositoryId, name }: ChannelRecord): Promise<MachineRecord[]> {
    const machines = await listMachines(db, repositoryId);
    return machines.filter(machine => machine.channel === name && machine.enrolledAt !== null);
  }

  async function put(channel: ChannelRecord, release: ReleaseRecord, rollout: Rollout): Promise<void> {
    const { state, wave, waves, message } = rollout;
    await inTransaction(db, async transaction => {
      await updateRelease(transaction, release.id, { rollout: JSON.stringify(rollout) });
      await appendEvent(transaction, {
        type: 'release.rollout',
        at: clock(),
        repositoryId: channel.repositoryId,
        subjectId: release.id,
        data: { channel: channel.name, serial: release.serial, state, wave: wave + 1, waves: waves.length, message },
      });
    });
    onChanged();
  }

  async function current(channel: ChannelRecord) {
    const release = channel.currentReleaseId ? await findRelease(db, channel.currentReleaseId) : null;
    const rollout = release && fromJson(rolloutSchema, release.rollout);
    return rollout ? { release, rollout } : null;
  }

  async function lookAt(channel: ChannelRecord, release: ReleaseRecord): Promise<void> {
    const rollout = fromJson(rolloutSchema, release.rollout);
    if (rollout?.state !== 'running') return;
    const reports = (await machinesOf(channel)).map(machine => stateOn(machine, release.serial));
    const next = advance(rollout, reports, clock());
    if (next !== rollout) await put(channel, release, next);
  }

  return {
    async plan(channel, request) {
      const wanted = request ?? fromJson(rolloutRequestSchema, channel.rollout);
      if (wanted === null) return null;
      const rollout = planRollout(wanted, await machinesOf(channel));
      return rollout === null ? null : JSON.stringify(rollout);
    },
    async look() {
      const releases = (await listCurrentReleases(db)).filter(release => release.rollout !== null);
      if (releases.length === 0) return;
      for (const channel of await listChannels(db)) {
        const release = releases.find(one => one.id === channel.currentReleaseId);
        if (release === undefined) continue;
        await lookAt(channel, release).catch((error: unknown) =>
          logger.warn('rollout.not_followed', { channel: channel.name, error }),
        );
      }
    },
    async decide(channel, verdict, reason) {
      const found = await current(channel);
      const wanted = verdict === 'stop' ? 'running' : 'stopped';
      if (found?.rollout.state !== wanted) {
        throw new DomainError('conflict', `There is no ${wanted} rollout on ${channel.name} to ${verdict}.`, {
          channel: channel.name,
          state: found?.rollout.state ?? null,
        });
      }
      const { release, rollout } = found;
      // Who went back and is gone on without must not stop it again.
      const next: Rollout =
        verdict === 'stop'
          ? { ...rollout, state: 'stopped', message: reason }
          : { ...rollout, state: 'running', stopsAtFailure: false, message: reason };
      await put(channel, release, next);
      return (await findRelease(db, release.id)) ?? release;
    },
  };
}
