/** Owns what tests of isolation ask about this machine. */
import { probeLevel } from '../../src-main/process/isolation/levels.ts';

/** Whether bubblewrap starts programs here. */
export const hasBubblewrap = 'program' in (await probeLevel('bubblewrap'));
