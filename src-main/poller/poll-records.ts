/** Owns writing down when repositories were looked at: many at a time, since most looks find nothing new. */

import type { Db } from '../database/open-database.ts';
import { type PollRecord, recordPolls } from '../database/repositories.ts';

/** What is lost with a crash is only how long ago a repository was looked at. */
const flushEveryMs = 2_000;

export interface PollRecords {
  add(record: PollRecord): void;
  /** Writes what waits. Throws what the database throws; the records are kept then. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

export function createPollRecords(db: Db, onError: (error: unknown) => void): PollRecords {
  const waiting = new Map<string, PollRecord>();
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    const records = [...waiting.values()];
    if (records.length === 0) return;
    waiting.clear();
    try {
      await recordPolls(db, records);
    } catch (error) {
      for (const record of records) if (!waiting.has(record.id)) waiting.set(record.id, record);
      throw error;
    }
  }

  function flush(): Promise<void> {
    if (timer) clearTimeout(timer);
    timer = null;
    const next = writing.then(write);
    writing = next.catch(() => undefined);
    return next;
  }

  return {
    flush,
    add(record) {
      waiting.set(record.id, record);
      timer ??= setTimeout(() => flush().catch(onError), flushEveryMs);
    },
    stop: () => flush().catch(onError),
  };
}
