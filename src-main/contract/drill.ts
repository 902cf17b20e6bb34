/** Owns the crash drill as it crosses a process boundary: how it is asked for, and what was measured. */
import { oc } from '@orpc/contract';
import { z } from 'zod';
import { idSchema } from './documents.ts';

/** Jobs of a drill belong to this repository, which no list shows and nothing watches. */
export const drillRepositoryId = '01990000-0000-7000-8000-00000000d211';

/** The job of a worker whose process died runs again within this time of its last checkup: 15 s where one comes every 5 s. */
export function recoveryLimitMs(checkupMs: number): number {
  return checkupMs + 10_000;
}

const time = z.number().int().nonnegative();
/** Since the kill; null for what did not come about. */
const after = time.nullable();

export const drillResultSchema = z.object({
  jobId: idSchema,
  jobNumber: z.number().int().positive(),
  workerName: z.string(),
  pid: z.number().int().positive(),
  lastCheckupAtMs: time,
  killedAtMs: time,
  /** The supervisor saw that the worker was gone. */
  noticedAfterMs: after,
  /** The job was back at its place. */
  requeuedAfterMs: after,
  /** The next attempt began. */
  restartedAfterMs: after,
  /** It succeeded. */
  succeededAfterMs: after,
  /** From the last checkup to the next attempt. */
  recoveredMs: after,
  limitMs: time,
  /** The job ran again within the limit, and succeeded. */
  holds: z.boolean(),
});
export type DrillResult = z.infer<typeof drillResultSchema>;

export const drillApi = {
  run: oc
    .route({
      method: 'POST',
      path: '/drill',
      summary: 'Kill a worker on purpose during a harmless job, and measure the recovery',
    })
    .output(drillResultSchema),
};
