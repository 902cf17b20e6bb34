/** Owns what the bench and the machine processes that it starts say to each other. */
import { z } from 'zod';
import { peerAddressSchema } from '../../../src-main/swarm/messages.ts';

/** The only argument, as JSON. */
export const settingsSchema = z.object({
  address: z.string(),
  port: z.number().int(),
  torrentFile: z.string(),
  folder: z.string(),
  role: z.enum(['seed', 'download']),
  uploadBytesPerSecond: z.number().int().positive().nullable(),
  downloadBytesPerSecond: z.number().int().positive().nullable(),
  /** A folder to write a CPU profile of the swarm process to. */
  profileFolder: z.string().nullable(),
});
export type MachineSettings = z.infer<typeof settingsSchema>;

export const commandSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('go'), peers: z.array(peerAddressSchema) }),
  z.object({ type: z.literal('usage') }),
  z.object({ type: z.literal('stop') }),
]);
export type MachineCommand = z.infer<typeof commandSchema>;

export const machineAnswerSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), port: z.number().int() }),
  /** Downloaded, and its SHA-256 is right. */
  z.object({ type: z.literal('done') }),
  z.object({ type: z.literal('usage'), cpuSeconds: z.number(), peakBytes: z.number(), uploadedBytes: z.number() }),
  z.object({ type: z.literal('failed'), reason: z.string() }),
]);
export type MachineAnswer = z.infer<typeof machineAnswerSchema>;
