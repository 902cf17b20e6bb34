/** Owns what becomes of a machine's report: whose word it is, what it changes of what is known, and which event that is. */
import type { MachineReport } from '../contract/documents.ts';
import { appendEvent } from '../database/events.ts';
import { type MachineRecord, updateMachine } from '../database/machines.ts';
import type { Db } from '../database/open-database.ts';
import { verifyReport } from './machine-report.ts';
import type { TrustService } from './trust-service.ts';

/** Takes a report for the machine as it is known; an old one changes nothing. Throws what `verifyReport` throws. */
export type ReportTaker = (machine: MachineRecord, bytes: Uint8Array) => Promise<void>;

export function createReportTaker(options: {
  readonly db: Db;
  readonly trust: TrustService;
  /** Something of a machine changed that is no event. */
  readonly onPulse: () => void;
  readonly onEvent: () => void;
}): ReportTaker {
  const { db, trust } = options;
  return async (machine, bytes) => {
    const report = verifyReport(bytes, trust.current, { repositoryId: machine.repositoryId });
    if (report.sequence <= machine.reportSequence) return;
    const before: MachineReport | null = machine.report ? JSON.parse(machine.report) : null;
    await updateMachine(db, machine.id, {
      report: JSON.stringify(report),
      reportSequence: report.sequence,
      lastReportAt: report.reportedAtMs,
      ...(report.repairedAtMs >= (machine.repairRequestedAt ?? Number.POSITIVE_INFINITY)
        ? { repairRequestedAt: null }
        : {}),
    });
    options.onPulse();
    const changed =
      before?.phase !== report.phase ||
      before?.serial !== report.serial ||
      before?.health !== report.health ||
      before?.drift !== report.drift;
    if (!changed) return;
    const failed = report.phase === 'failed' || report.phase === 'rolled_back';
    const switched = report.phase === 'active' && (before?.serial !== report.serial || before?.phase !== 'active');
    await appendEvent(db, {
      type: failed ? 'machine.failed' : switched ? 'machine.switched' : 'machine.reported',
      at: report.reportedAtMs,
      repositoryId: machine.repositoryId,
      subjectId: machine.id,
      data: {
        name: machine.name,
        channel: machine.channel,
        phase: report.phase,
        serial: report.serial,
        targetSerial: report.targetSerial,
        message: report.message,
        drift: report.drift,
        bytes: report.bytes,
      },
    });
    options.onEvent();
  };
}
