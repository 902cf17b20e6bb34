/** Owns the plain views of what jobs made. Times are UTC milliseconds. */
import { z } from 'zod';
import { idSchema } from '../documents.ts';
import { revisionViewSchema } from './job.ts';
import { keepingShape } from './keeping.ts';
import { bytes, time } from './units.ts';

export const buildViewSchema = z.object({
  id: idSchema,
  jobId: idSchema,
  repositoryId: idSchema,
  repositoryName: z.string(),
  revision: revisionViewSchema,
  artifactId: z.string(),
  packDigest: z.string(),
  infoHash: z.string(),
  sizeBytes: bytes,
  treeSizeBytes: bytes,
  fileCount: z.number().int().nonnegative(),
  platform: z.string(),
  createdAtMs: time,
  regionsVerified: z.number().int().nonnegative(),
  regionsTotal: z.number().int().nonnegative(),
  ...keepingShape,
});
export type BuildView = z.infer<typeof buildViewSchema>;

/** What an SBOM lists, in numbers: its document may have many megabytes. */
export const sbomViewSchema = z.object({
  buildId: idSchema,
  /** SHA-256 of the document, as the signed build record states it. */
  digest: z.string(),
  sizeBytes: bytes,
  componentCount: z.number().int().nonnegative(),
  /** By type of package URL (`npm`, `cargo`), the most first; empty for a document above 4 MiB. */
  types: z.array(z.object({ type: z.string(), count: z.number().int().positive() })),
  /** Lock files that could not be read, with the reason. */
  unread: z.array(z.string()),
});
export type SbomView = z.infer<typeof sbomViewSchema>;
