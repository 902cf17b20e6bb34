/** Owns the plain views of what is seeded, and to whom. Times are UTC milliseconds. */
import { z } from 'zod';
import { bytesBySourceSchema } from '../documents.ts';
import { errorViewSchema } from '../error-schemas.ts';
import { bytes } from './units.ts';

export const torrentViewSchema = z.object({
  infoHash: z.string(),
  packDigest: z.string(),
  repositoryName: z.string(),
  revision: z.string(),
  sizeBytes: bytes,
  peers: z.number().int().nonnegative(),
  uploadedBytes: bytes,
  downloadedBytes: bytes,
  uploadBytesPerSecond: bytes,
  downloadBytesPerSecond: bytes,
});
export type TorrentView = z.infer<typeof torrentViewSchema>;

export const swarmViewSchema = z.object({
  running: z.boolean(),
  paused: z.boolean(),
  /** When a pause ends by itself. */
  pausedUntilMs: z.number().int().nullable(),
  /** Why nothing is seeded although nobody has paused it. */
  heldBy: z.enum(['battery', 'metered']).nullable(),
  port: z.number().int().nullable(),
  /** Where others reach it, without the port; empty while it listens to this machine alone. */
  addresses: z.array(z.string()),
  /** Where machines may ask for each other. */
  trackers: z.array(z.string()),
  uploadBytesPerSecond: bytes,
  downloadBytesPerSecond: bytes,
  uploadedBytes: bytes,
  torrents: z.array(torrentViewSchema),
  /** Summed over the newest report of every machine. */
  bytes: bytesBySourceSchema,
  error: errorViewSchema.nullable(),
});
export type SwarmView = z.infer<typeof swarmViewSchema>;
