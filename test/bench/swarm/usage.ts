/** Owns what a process of this machine has used: CPU seconds and peak memory, as /proc says. Zeros where there is none. */
import { existsSync, readFileSync } from 'node:fs';

/** Linux counts in hundredths on every architecture that Node runs on. Source: proc(5), `sysconf(_SC_CLK_TCK)`. */
const ticksPerSecond = 100;

export interface Usage {
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

export function usageOf(pid: number | undefined): Usage {
  if (pid === undefined || !existsSync(`/proc/${pid}/stat`)) return { cpuSeconds: 0, peakBytes: 0 };
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is a name in brackets, which may hold blanks: utime and stime are the 12th and 13th after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [, peakKib] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    peakBytes: Number(peakKib ?? 0) * 1024,
  };
}
