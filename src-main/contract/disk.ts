/** Owns the calls and shapes of disk use and reclaiming: what takes how much, what would go, and why the rest stays. */
import { oc } from '@orpc/contract';
import { z } from 'zod';
import { idSchema, sha256Schema } from './documents.ts';
import { errorViewSchema } from './error-schemas.ts';

const count = z.number().int().nonnegative();
/** Bytes. */
const size = z.number().nonnegative();
const share = z.object({ packs: count, sizeBytes: size });

export const diskKindSchema = z.enum([
  'packs',
  'deltas',
  'documents',
  'logs',
  'mirrors',
  'caches',
  'homes',
  'work',
  'database',
  'engineLog',
]);
export type DiskKind = z.infer<typeof diskKindSchema>;

/** What a kind is, for people. */
export const diskKindWords: Readonly<Record<DiskKind, string>> = {
  packs: 'full packs in the main store',
  deltas: 'delta packs in the main store',
  documents: 'file lists, torrents, records and the rest of the main store',
  logs: 'logs and test results of jobs',
  mirrors: 'mirrors of repositories, under a cap of their own',
  caches: 'caches of builds, under a cap of their own',
  homes: 'homes of isolated builds, under the same cap',
  work: 'work folders of running builds',
  database: 'the database',
  engineLog: "the engine's own log",
};

export const diskUseSchema = z.object({
  /** When files were last measured; UTC milliseconds. */
  measuredAtMs: count,
  /** Of the disk of the data folder; null where the platform does not say. */
  totalBytes: size.nullable(),
  freeBytes: size.nullable(),
  /** Builds leave this free, and do not start below it. */
  keepFreeBytes: size,
  /** The cap of all mirrors together. */
  mirrorLimitBytes: size,
  kinds: z.array(z.object({ kind: diskKindSchema, sizeBytes: size })),
  /** Full packs of the main store by the repository that built them last, and their deltas. */
  repositories: z.array(
    z.object({
      repositoryId: idSchema,
      name: z.string(),
      /** Its own number of newest builds; null for what the installation keeps. */
      keptBuilds: count.nullable(),
      pinned: share,
      kept: share,
      reclaimable: share,
      deltas: share,
    }),
  ),
  /** The main store first. */
  stores: z.array(
    z.object({
      regionId: idSchema,
      name: z.string(),
      isMain: z.boolean(),
      packs: count,
      sizeBytes: size,
      /** Reclaimed, and still to be deleted there. */
      waiting: share,
    }),
  ),
});
export type DiskUse = z.infer<typeof diskUseSchema>;

const packLineSchema = z.object({
  digest: sha256Schema,
  artifactId: sha256Schema,
  kind: z.enum(['full', 'delta']),
  sizeBytes: size,
  repositoryName: z.string(),
  /** Of the newest build that has it. */
  revision: z.string().nullable(),
  jobNumber: count.nullable(),
});

export const reclaimPlanSchema = z.object({
  reclaim: z.array(packLineSchema),
  kept: z.array(packLineSchema.extend({ pinned: z.boolean(), reasons: z.array(z.string()) })),
  /** Jobs whose logs would go. */
  logs: z.object({ jobs: count, sizeBytes: size }),
  /** Reclaimed before, and still to be deleted somewhere. */
  waiting: z.array(share.extend({ name: z.string() })),
  /** What the main store and the logs would get back. */
  sizeBytes: size,
});
export type ReclaimPlan = z.infer<typeof reclaimPlanSchema>;

export const reclaimResultSchema = z.object({
  /** Packs that were given up now. */
  packs: count,
  stores: z.array(
    share.extend({
      name: z.string(),
      isMain: z.boolean(),
      /** Reclaimed packs that stay there for now, since something there still names them. */
      stillNamed: count,
      /** Why the rest is done later. */
      error: errorViewSchema.nullable(),
    }),
  ),
  logs: z.object({ jobs: count, sizeBytes: size }),
  workFolders: count,
  /** What this machine got back: the main store and the logs. */
  sizeBytes: size,
});
export type ReclaimResult = z.infer<typeof reclaimResultSchema>;

export const keptBuildsSchema = z.number().int().min(1).max(10_000);

export const diskApi = {
  use: oc.route({ method: 'GET', path: '/disk', summary: 'Disk use by kind, and by repository' }).output(diskUseSchema),
  plan: oc
    .route({ method: 'GET', path: '/disk/reclaim', summary: 'What reclaiming would delete, and why the rest is kept' })
    .output(reclaimPlanSchema),
  reclaim: oc
    .route({ method: 'POST', path: '/disk/reclaim', summary: 'Delete what nothing needs, here and in every region' })
    .input(
      z.object({
        /** Of packs, only these: what a person was shown. Left out: all that the rule lets go now. */
        packs: z.array(sha256Schema).max(100_000).optional(),
      }),
    )
    .output(reclaimResultSchema),
  keep: oc
    .route({ method: 'POST', path: '/disk/keep', summary: 'How many of its newest builds a repository keeps' })
    .input(
      z.object({
        repositoryId: idSchema,
        /** Null: what the installation keeps. */
        builds: keptBuildsSchema.nullable(),
      }),
    )
    .output(z.object({ done: z.literal(true) })),
};

/** Part of `builds`. */
export const pinBuildRoute = oc
  .route({ method: 'POST', path: '/builds/{id}/pin', summary: 'Keep the pack of a build, or leave it to the rule' })
  .input(z.object({ id: idSchema, pinned: z.boolean() }))
  .output(z.object({ id: idSchema, pinnedAtMs: count.nullable() }));
