/** Owns how the worker pool is shown: its mode, its size and why, every worker. */

import type { PoolView, WorkerView } from '../../contract/views/worker.ts';
import { listRunningJobs } from '../../database/jobs.ts';
import { listLiveWorkers, type WorkerRecord } from '../../database/workers.ts';
import type { Engine } from '../../engine.ts';
import type { Member } from '../../queue/pool-member.ts';

function stateOf(member: Member): WorkerView['state'] {
  if (member.leaving !== null) return 'leaving';
  const { kind } = member.signs.work;
  return kind === 'starting' || kind === 'idle' ? kind : 'busy';
}

function workerView(member: Member, record: WorkerRecord | undefined, jobId: string | null): WorkerView {
  return {
    id: member.id,
    name: member.name,
    pid: member.pid,
    state: stateOf(member),
    leaving: member.leaving,
    work: member.signs.work.name,
    jobId,
    jobsDone: member.jobsDone,
    startedAtMs: member.startedAt,
    checkupAtMs: record?.checkupAt ?? member.startedAt,
    memoryBytes: record?.memoryBytes ?? null,
  };
}

export async function poolView({ pool, db }: Engine): Promise<PoolView> {
  const records = new Map((await listLiveWorkers(db)).map(record => [record.id, record]));
  const jobs = new Map((await listRunningJobs(db)).map(job => [job.workerId, job.id]));
  return {
    mode: pool.mode,
    wanted: pool.size.workers,
    sizeReason: pool.size.reason,
    onBattery: pool.onBattery,
    workers: pool.members.map(member => workerView(member, records.get(member.id), jobs.get(member.id) ?? null)),
  };
}
