/** Owns the closed list of events: what happened, to what, and when. The timeline and every live view are made of these. */
import { z } from 'zod';

export const eventTypeSchema = z.enum([
  'repository.added',
  'repository.removed',
  'repository.changed',
  /** Its data are a `BranchChange`. */
  'branch.changed',
  'revision.seen',
  'revision.skipped',
  'poll.failed',
  'poll.recovered',
  'job.queued',
  'job.started',
  'job.step_started',
  'job.step_progressed',
  'job.step_finished',
  'job.finished',
  'job.requeued',
  'build.stored',
  'build.reclaimed',
  'build.pinned',
  'build.unpinned',
  'region.added',
  'region.changed',
  'region.removed',
  'replica.started',
  'replica.verified',
  'replica.failed',
  'replica.stale',
  'release.created',
  'release.refused',
  'release.migration',
  'release.rollout',
  'channel.changed',
  'machine.invited',
  'machine.enrolled',
  'machine.reported',
  'machine.switched',
  'machine.failed',
  'worker.started',
  'worker.lost',
  'worker.changed',
  'swarm.lost',
  'drill.started',
  'drill.killed',
  'drill.finished',
  'alert.raised',
]);
export type EventType = z.infer<typeof eventTypeSchema>;

export const engineEventSchema = z.object({
  /** Grows with every event; the resume point of a subscription. */
  cursor: z.number().int().positive(),
  atMs: z.number().int().nonnegative(),
  type: eventTypeSchema,
  repositoryId: z.string().nullable(),
  jobId: z.string().nullable(),
  /** The id of whatever else the event is about: a region, machine, build, release, worker. */
  subjectId: z.string().nullable(),
  data: z.record(z.string(), z.unknown()),
});
export type EngineEvent = z.infer<typeof engineEventSchema>;

/** What is pushed: events with a cursor, and pulses that carry no history (progress, rates, growth of a log). */
export const pushSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('event'), event: engineEventSchema }),
  z.object({
    kind: z.literal('pulse'),
    topic: z.enum(['log', 'replicas', 'swarm', 'machines', 'status']),
    /** Log: the job's id. */
    subjectId: z.string().nullable(),
  }),
]);
export type Push = z.infer<typeof pushSchema>;
