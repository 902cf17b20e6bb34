/** Owns what the contract says of audits, limits and policies of regions. */
import { oc } from '@orpc/contract';
import { z } from 'zod';
import { idSchema } from './documents.ts';

const count = z.number().int().nonnegative();

export const auditFindingSchema = z.object({
  /** Of the object in the store. */
  key: z.string(),
  problem: z.enum(['missing', 'damaged', 'stale', 'misplaced', 'foreign']),
  detail: z.string(),
  /** `queued`: the reconciler copies it next. `reported`: it is left as it is, with the reason. `failed`: no good copy could be had. */
  action: z.enum(['repaired', 'queued', 'reported', 'failed']),
  /** What was done, or why nothing was. */
  done: z.string(),
});
export type AuditFinding = z.infer<typeof auditFindingSchema>;

export const auditResultSchema = z.object({
  /** Packs that were looked at. */
  checked: count,
  /** Packs that were missing or damaged. */
  damaged: count,
  /** Other objects that were looked at: file lists, torrents, records, SBOMs, pointers, environments, trust, reports. */
  documents: count,
  /** From the store to this machine. */
  bytesRead: count,
  /** Of what was wrong, the first thousand. */
  findings: z.array(auditFindingSchema).max(1_000),
  moreFindings: count,
});
export type AuditResult = z.infer<typeof auditResultSchema>;

export const regionLimitsSchema = z.object({
  /** Copies at once. */
  concurrency: z.coerce.number().int().min(1).max(32),
  /** What uploads may take together; null for no limit. */
  bytesPerSecond: z.coerce
    .number()
    .int()
    .min(1_024, 'at least 1024 bytes per second')
    .max(1024 ** 4)
    .nullable(),
  /** Each pack that only its bytes can prove is read back once in so many days. */
  auditDays: z.coerce.number().int().min(1).max(3_650),
});
export type RegionLimits = z.infer<typeof regionLimitsSchema>;

export const trafficSchema = z.object({ sentBytes: count, readBytes: count });

export const replicationPolicySchema = z.object({
  /** Null for all regions, those that are added later too. */
  regionIds: z.array(idSchema).max(200).nullable(),
  /** The newest so many versions; null for all. What a channel or a machine uses is kept besides. */
  versions: z.number().int().min(1).max(100_000).nullable(),
});
export type ReplicationPolicyView = z.infer<typeof replicationPolicySchema>;

const repository = z.object({ repositoryId: idSchema });

export const replicationPolicyApi = {
  get: oc
    .route({
      method: 'GET',
      path: '/repositories/{repositoryId}/replication',
      summary: 'Which regions hold which versions of a repository',
    })
    .input(repository)
    .output(replicationPolicySchema),
  set: oc
    .route({
      method: 'PATCH',
      path: '/repositories/{repositoryId}/replication',
      summary:
        'Change which regions hold which versions of a repository; copies that nothing wants any more are removed',
    })
    .input(replicationPolicySchema.partial().extend(repository.shape))
    .output(replicationPolicySchema),
};
