/** Owns the messages between the engine and its swarm process; both sides parse what they receive. Knows neither side. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { infoHashSchema } from '../contract/documents.ts';
import { errorCodeSchema } from '../contract/error-schemas.ts';

/** An address or an RFC 1123 host name; webtorrent is given nothing else to connect to. */
const hostSchema = z
  .string()
  .max(253)
  .refine(
    host => isIP(host) !== 0 || /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i.test(host),
    'expected an IP address or a host name',
  );

export const peerAddressSchema = z.object({ host: hostSchema, port: z.number().int().min(1).max(65_535) });
export type PeerAddress = z.infer<typeof peerAddressSchema>;

const limitSchema = z.number().int().positive().nullable();
const requestIdSchema = z.number().int().nonnegative();
/** 8 MiB of torrent in base64. */
const torrentSchema = z.base64().max(11_200_000);
const peersSchema = z.array(peerAddressSchema).max(1_000);

export const swarmCommandSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('configure'),
    /** 0 takes any free port. Read once; limits may be changed by configuring again. */
    port: z.number().int().min(0).max(65_535),
    listenHost: hostSchema,
    uploadLimitBytesPerSecond: limitSchema,
    downloadLimitBytesPerSecond: limitSchema,
  }),
  z.object({
    type: z.literal('seed'),
    id: requestIdSchema,
    torrent: torrentSchema,
    folder: z.string().min(1),
    /** The file's pieces were checked before: only its size is compared. */
    verified: z.boolean(),
  }),
  z.object({
    type: z.literal('download'),
    id: requestIdSchema,
    torrent: torrentSchema,
    folder: z.string().min(1),
    peers: peersSchema,
    webSeeds: z.array(z.url({ protocol: /^https?$/ })).max(8),
  }),
  z.object({ type: z.literal('addPeers'), infoHash: infoHashSchema, peers: peersSchema }),
  z.object({ type: z.literal('remove'), infoHash: infoHashSchema }),
  /** A tracker at `host`, or none: `port` null. A change of keys alone leaves who is known. */
  z.object({
    type: z.literal('track'),
    host: hostSchema,
    port: z.number().int().min(0).max(65_535).nullable(),
    keys: z.object({ machines: z.array(z.string()), controlCenters: z.array(z.string()) }),
  }),
  z.object({ type: z.literal('stop') }),
]);
export type SwarmCommand = z.infer<typeof swarmCommandSchema>;

const countSchema = z.number().int().nonnegative();
const rateSchema = z.number().nonnegative();

export const torrentStatsSchema = z.object({
  infoHash: infoHashSchema,
  /** `<sha256>.tar.zst`. */
  name: z.string(),
  sizeBytes: countSchema,
  /** Whole and checked piece by piece: it only seeds. */
  complete: z.boolean(),
  progress: z.number().min(0).max(1),
  /** Connected machines; the web seed is not one. */
  peers: countSchema,
  /** Payload since the process started. */
  bytesFromPeers: countSchema,
  bytesFromWebSeed: countSchema,
  uploadedBytes: countSchema,
  downloadBytesPerSecond: rateSchema,
  uploadBytesPerSecond: rateSchema,
});
export type TorrentStats = z.infer<typeof torrentStatsSchema>;

export const swarmReportSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), port: z.number().int().min(1).max(65_535) }),
  z.object({ type: z.literal('listenFailed'), systemCode: z.string().nullable(), message: z.string() }),
  /** Of the tracker; null while there is none. */
  z.object({ type: z.literal('tracking'), port: z.number().int().min(1).max(65_535).nullable() }),
  z.object({ type: z.literal('seeding'), id: requestIdSchema }),
  z.object({
    type: z.literal('downloaded'),
    id: requestIdSchema,
    bytesFromPeers: countSchema,
    bytesFromWebSeed: countSchema,
  }),
  z.object({ type: z.literal('failed'), id: requestIdSchema, code: errorCodeSchema, message: z.string() }),
  z.object({ type: z.literal('stats'), torrents: z.array(torrentStatsSchema) }),
  z.object({
    type: z.literal('log'),
    level: z.enum(['info', 'warn', 'error']),
    event: z.string(),
    message: z.string(),
  }),
]);
export type SwarmReport = z.infer<typeof swarmReportSchema>;
