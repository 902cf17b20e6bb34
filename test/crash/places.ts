/** Owns where the parts of a crash history lie in its folder. */
import { join } from 'node:path';

/** The variable that tells a killed process where to write down at which statement it died. */
export const folderVariable = 'CRASH_FOLDER';

export function placesIn(folder: string) {
  return {
    database: join(folder, 'slipway.db'),
    lock: join(folder, 'engine.lock'),
    sideLog: join(folder, 'side.log'),
    acknowledged: join(folder, 'acknowledged.log'),
    killPoints: join(folder, 'kill-points.log'),
    kills: join(folder, 'kills.log'),
    compileCache: join(folder, 'compile-cache'),
    hostOutput: join(folder, 'host.log'),
  };
}
