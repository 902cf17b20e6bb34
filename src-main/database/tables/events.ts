/** Owns the type of the table of events. Columns are snake_case in SQL and camelCase here. */
import type { Generated } from 'kysely';
import type { Flag, JsonText } from './columns.ts';

export interface EventsTable {
  cursor: Generated<number>;
  at: number;
  type: string;
  repositoryId: string | null;
  jobId: string | null;
  subjectId: string | null;
  data: JsonText;
  /** The writer has put the cursor into the job's row itself; else a trigger does. */
  inJob: Generated<Flag>;
}
