/** Owns the statements of the table events: an append-only history with a growing cursor. */
import { sql } from 'kysely';
import { z } from 'zod';
import type { EngineEvent, EventType } from '../contract/events.ts';
import { eventTypeSchema } from '../contract/events.ts';
import type { Db } from './open-database.ts';

export interface NewEvent {
  readonly type: EventType;
  readonly at: number;
  readonly repositoryId?: string;
  readonly jobId?: string;
  readonly subjectId?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

const dataSchema = z.record(z.string(), z.unknown());

/** Appends an event; in the transaction of the change that it tells of. */
export async function appendEvent(db: Db, event: NewEvent): Promise<void> {
  await db
    .insertInto('events')
    .values({
      at: event.at,
      type: event.type,
      repositoryId: event.repositoryId ?? null,
      jobId: event.jobId ?? null,
      subjectId: event.subjectId ?? null,
      data: JSON.stringify(event.data ?? {}),
    })
    .execute();
}

export interface EventQuery {
  readonly after: number;
  readonly limit: number;
  readonly jobId?: string | undefined;
  readonly repositoryId?: string | undefined;
}

/** The statement of `listEvents`. Those of a job are found by the cursors that it names. */
export function selectEvents(db: Db, query: EventQuery) {
  let select = db
    .selectFrom('events')
    .selectAll()
    .where('cursor', '>', query.after)
    .orderBy('cursor')
    .limit(query.limit);
  if (query.jobId !== undefined) {
    const cursors = sql<string>`(SELECT '[' || substr(event_cursors, 2) || ']' FROM jobs WHERE id = ${query.jobId})`;
    select = select.where('cursor', 'in', sql<number>`(SELECT value FROM json_each(${cursors}))`);
  }
  if (query.repositoryId !== undefined) select = select.where('repositoryId', '=', query.repositoryId);
  return select;
}

/** Events after a cursor, oldest first. */
export async function listEvents(db: Db, query: EventQuery): Promise<EngineEvent[]> {
  const rows = await selectEvents(db, query).execute();
  return rows.map(row => ({
    cursor: row.cursor,
    atMs: row.at,
    type: eventTypeSchema.parse(row.type),
    repositoryId: row.repositoryId,
    jobId: row.jobId,
    subjectId: row.subjectId,
    data: dataSchema.parse(JSON.parse(row.data)),
  }));
}

export async function lastCursor(db: Db): Promise<number> {
  const row = await db
    .selectFrom('events')
    .select(({ fn }) => fn.max('cursor').as('cursor'))
    .executeTakeFirst();
  return row?.cursor ?? 0;
}

/** When the newest event happened, UTC milliseconds; null before the first. */
export async function newestEventAt(db: Db): Promise<number | null> {
  const row = await db.selectFrom('events').select('at').orderBy('cursor', 'desc').limit(1).executeTakeFirst();
  return row?.at ?? null;
}
