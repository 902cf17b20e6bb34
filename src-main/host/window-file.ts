/** Owns the file in which a window's place is kept between starts. */
import { readFileSync, writeFileSync } from 'node:fs';
import { type WindowState, windowStateSchema } from '../domain/shell/window-bounds.ts';
import type { Logger } from '../telemetry/logger.ts';

/** What was kept; null for none, or for what is not ours: the window opens as at the first time. */
export function readWindowState(file: string): WindowState | null {
  try {
    return windowStateSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return null;
  }
}

/** Never throws: a place that is not kept is no reason to stop. */
export function keepWindowState(file: string, state: WindowState, logger: Logger): void {
  try {
    writeFileSync(file, `${JSON.stringify(state)}\n`);
  } catch (error) {
    logger.warn('desktop.window_not_kept', { error });
  }
}
