/** Owns what a delivery tells of an event: enough to act on without asking back, and never what is secret. */
import type { EngineEvent } from '../contract/events.ts';
import { findJob } from '../database/jobs.ts';
import type { Db } from '../database/open-database.ts';
import { findRepository } from '../database/repositories.ts';

/** The JSON of an event: `type`, `timestamp` (ISO 8601) and `data`, as Standard Webhooks has it. */
export async function webhookBody(db: Db, event: EngineEvent): Promise<string> {
  const repository = event.repositoryId === null ? null : await findRepository(db, event.repositoryId);
  const job = event.jobId === null ? null : await findJob(db, event.jobId);
  return JSON.stringify({
    type: event.type,
    timestamp: new Date(event.atMs).toISOString(),
    data: {
      cursor: event.cursor,
      repository: repository && { id: repository.id, name: repository.name, branch: repository.branch },
      job: job && {
        id: job.id,
        number: job.number,
        revision: job.revision,
        subject: job.subject,
        author: job.authorName,
        status: job.status,
      },
      subjectId: event.subjectId,
      details: event.data,
    },
  });
}
