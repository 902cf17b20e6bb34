/** Owns what every view of a build says of how long its pack is kept. */
import { time } from './units.ts';

export const keepingShape = {
  /** Since when its pack is not kept any more; build the revision again to have it. */
  reclaimedAtMs: time.nullable(),
  /** Since when a person keeps it. */
  pinnedAtMs: time.nullable(),
};
