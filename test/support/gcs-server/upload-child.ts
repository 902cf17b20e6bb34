/** Owns one upload in a process of its own, to be killed or measured; what it needs for going on is in a file. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { z } from 'zod';
import { createGcsStore } from '../../../src-main/stores/gcs/gcs-store.ts';
import { uploadOrderSchema, type uploadReportSchema } from './upload-order.ts';

/** The most memory that this process ever held. Not `maxRSS`: on Linux a child inherits that of whoever started it. */
async function peakMemoryBytes(): Promise<number> {
  const status = await readFile('/proc/self/status', 'latin1').catch(() => '');
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS;
  return Number(kibibytes) * 1_024;
}

const order = uploadOrderSchema.parse(JSON.parse(process.argv[2] ?? ''));
const { stateFile, crc32c, warmUp } = order;
const store = createGcsStore(order.storeUrl);
// An engine's process lives long.
if (warmUp !== undefined) await store.put('warm-up', { kind: 'file', ...warmUp }, { sha256: warmUp.sha256 });
const startedMs = performance.now();
const cpu = process.cpuUsage();
await store.put(
  order.key,
  { kind: 'file', path: order.path, sizeBytes: order.sizeBytes },
  {
    sha256: order.sha256,
    ...(crc32c === undefined ? {} : { checksums: { crc32c } }),
    ...(stateFile === undefined
      ? {}
      : {
          resume: {
            state: await readFile(stateFile, 'utf8').catch(() => null),
            save: async (state: string) => {
              await writeFile(`${stateFile}.new`, state);
              await rename(`${stateFile}.new`, stateFile);
            },
          },
        }),
  },
);
const { user, system } = process.cpuUsage(cpu);
const report: z.infer<typeof uploadReportSchema> = {
  ms: performance.now() - startedMs,
  cpuMs: (user + system) / 1_000,
  peakBytes: await peakMemoryBytes(),
};
console.log(JSON.stringify(report));
