/** Owns the backups of a running engine: one at a time, how far it is, and what became of the last. */
import { type BackupResult, type BackupView, backupResultSchema } from '../contract/backup.ts';
import { DomainError, messageOf } from '../contract/errors.ts';
import { fromJson } from '../database/json-column.ts';
import type { Db } from '../database/open-database.ts';
import { readSetting, writeSetting } from '../database/settings.ts';
import type { Clock } from '../domain/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { backupInThread } from './backup-in-thread.ts';

export interface Backups {
  view(): Promise<BackupView>;
  /** Answers at once. Throws `conflict` while one is made. */
  start(request: { readonly file: string; readonly artifacts: boolean }): Promise<BackupView>;
  cancel(): Promise<BackupView>;
  stop(): Promise<void>;
}

export function createBackups(options: {
  readonly db: Db;
  /** The data folder. */
  readonly root: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onChanged: () => void;
}): Backups {
  const { db, root, clock, logger, onChanged } = options;
  const none = { file: null, startedAtMs: null, doneBytes: 0, totalBytes: 0, error: null };
  let now: Omit<BackupView, 'result'> = { state: 'none', ...none };
  let running: { readonly ended: Promise<void>; readonly stopping: AbortController } | null = null;

  async function view(): Promise<BackupView> {
    return { ...now, result: fromJson(backupResultSchema, await readSetting(db, 'backup.last')) };
  }

  async function run(request: { readonly file: string; readonly artifacts: boolean }, signal: AbortSignal) {
    try {
      const result: BackupResult = await backupInThread(
        { root, ...request },
        {
          signal,
          onProgress: progress => {
            now = { ...now, ...progress };
            onChanged();
          },
        },
      );
      await writeSetting(db, 'backup.last', JSON.stringify(result));
      now = { ...now, state: 'done' };
      logger.info('backup.made', { file: result.file, sizeBytes: result.sizeBytes });
    } catch (error) {
      const failure = error instanceof DomainError ? error : new DomainError('internal', messageOf(error));
      now = { ...now, state: 'failed', error: failure.toView() };
      logger.warn('backup.failed', { error });
    } finally {
      running = null;
      onChanged();
    }
  }

  return {
    view,
    async start(request) {
      if (running) {
        throw new DomainError(
          'conflict',
          `A backup is being made already, into ${now.file}. Wait for it, or cancel it.`,
        );
      }
      const stopping = new AbortController();
      now = { ...none, state: 'running', file: request.file, startedAtMs: clock() };
      running = { ended: run(request, stopping.signal), stopping };
      onChanged();
      return view();
    },
    async cancel() {
      const current = running;
      current?.stopping.abort();
      await current?.ended;
      return view();
    },
    async stop() {
      running?.stopping.abort();
      await running?.ended;
    },
  };
}
