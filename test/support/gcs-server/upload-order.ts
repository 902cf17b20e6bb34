/** Owns what an upload in a process of its own is told, and what it reports. */
import { z } from 'zod';

export const uploadOrderSchema = z.object({
  storeUrl: z.string(),
  key: z.string(),
  path: z.string(),
  sizeBytes: z.number(),
  sha256: z.string(),
  crc32c: z.string().optional(),
  /** A large file that is put first, so that what is loaded and started at a first use is not measured. */
  warmUp: z.object({ path: z.string(), sizeBytes: z.number(), sha256: z.string() }).optional(),
  /** Where the upload's state is kept; it is not resumable where left out. */
  stateFile: z.string().optional(),
});
export type UploadOrder = z.infer<typeof uploadOrderSchema>;

export const uploadReportSchema = z.object({ ms: z.number(), cpuMs: z.number(), peakBytes: z.number() });
