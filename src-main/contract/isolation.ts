/** Owns the shapes of how far a build is kept apart from its host, and of what it may use: as written, as asked for, as used. */
import { z } from 'zod';

export const isolationLevelSchema = z.enum(['none', 'bubblewrap', 'docker', 'podman']);
export type IsolationLevel = z.infer<typeof isolationLevelSchema>;

/** `auto` is bubblewrap where it works, else none: the strongest that keeps network and tools working. */
export const isolationChoiceSchema = z.enum(['auto', ...isolationLevelSchema.options]);
export type IsolationChoice = z.infer<typeof isolationChoiceSchema>;

const unitBytes: Readonly<Record<string, number>> = {
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};
const sizePattern = /^(\d{1,6}(?:\.\d{1,3})?) ?([KMGT]i?B)$/;

/** Bytes of `512MB`, `1.5GiB`; null where it is no size. */
export function sizeInBytes(text: string): number | null {
  const [, amount, unit] = sizePattern.exec(text) ?? [];
  const scale = unitBytes[unit ?? ''];
  return amount === undefined || scale === undefined ? null : Math.round(Number(amount) * scale);
}

/** Under less no shell starts, or no disk is watched in time. */
const leastBytes = 8 * 2 ** 20;
export const sizeHint = 'write a size such as 512MB or 4GiB, at least 8MiB';
const sizeSchema = z
  .string(sizeHint)
  .regex(sizePattern, sizeHint)
  .transform((value, context) => {
    const bytes = sizeInBytes(value);
    if (bytes !== null && bytes >= leastBytes) return bytes;
    context.addIssue({ code: 'custom', message: sizeHint });
    return z.NEVER;
  });

const cpuHint = 'write how many processors, from 1 to 1024';
const processesHint = 'write how many processes, from 8 to 1000000';

/** `limits` in slipway.yml. */
export const limitsFileSchema = z
  .strictObject({
    memory: sizeSchema.optional().describe('Memory of all processes of a step together, such as 4GB.'),
    cpu: z.int(cpuHint).min(1, cpuHint).max(1024, cpuHint).optional().describe('How many processors a step may use.'),
    disk: sizeSchema.optional().describe('What the build may write, such as 20GB.'),
    processes: z
      .int(processesHint)
      .min(8, processesHint)
      .max(1_000_000, processesHint)
      .optional()
      .describe('How many processes a step may have at once.'),
  })
  .describe('What a step may use. One that cannot be held on the machine that builds is an error.');

const imageHint = 'write the name of an image, such as node:24-bookworm';
const isolationObjectSchema = z
  .strictObject({
    level: isolationChoiceSchema.optional().describe('Default: auto.'),
    image: z
      .string(imageHint)
      .max(255, imageHint)
      .regex(/^[a-zA-Z0-9][\w./:@-]*$/, imageHint)
      .optional()
      .describe('The image in which the steps run: docker and podman alone, which need one.'),
    network: z.boolean().optional().describe('Whether the steps have the network. Default: true.'),
  })
  .superRefine(({ level = 'auto', image, network }, context) => {
    const isContainer = level === 'docker' || level === 'podman';
    if (isContainer && image === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['level'],
        message: `${level} needs an image; add it beside the level`,
      });
    }
    if (!isContainer && image !== undefined) {
      context.addIssue({ code: 'custom', path: ['image'], message: 'only docker and podman have an image' });
    }
    if (level === 'none' && network === false) {
      context.addIssue({
        code: 'custom',
        path: ['network'],
        message: 'nothing can be taken from a build at level none',
      });
    }
  });

/** `isolation` in slipway.yml. */
export const isolationFileSchema = z
  .union([isolationChoiceSchema.exclude(['docker', 'podman']), isolationObjectSchema], {
    error: 'write auto, none or bubblewrap; or level, image and network (docker and podman need an image)',
  })
  .describe('How far the steps are kept apart from the machine that builds.');

export const buildLimitsSchema = z.object({
  memoryBytes: z.number().int().positive().optional(),
  cpus: z.number().int().positive().optional(),
  diskBytes: z.number().int().positive().optional(),
  processes: z.number().int().positive().optional(),
});
export type BuildLimits = z.infer<typeof buildLimitsSchema>;

/** What a plan asks for. */
export const isolationRequestSchema = z.object({
  level: isolationChoiceSchema,
  image: z.string().nullable(),
  network: z.boolean(),
});
export type IsolationRequest = z.infer<typeof isolationRequestSchema>;

/** What a build ran under. */
export const isolationUsedSchema = z.object({
  level: isolationLevelSchema,
  image: z.string().nullable(),
  network: z.boolean(),
  limits: buildLimitsSchema,
});
export type IsolationUsed = z.infer<typeof isolationUsedSchema>;

/** What an installation gives to builds that ask for nothing. Null is no limit; `share` is three quarters of the machine's memory. */
const defaults = {
  isolation: isolationChoiceSchema.exclude(['docker', 'podman']),
  memoryBytes: z.union([z.int().min(leastBytes, sizeHint), z.literal('share')]).nullable(),
  diskBytes: z.int().min(leastBytes, sizeHint).nullable(),
  processes: z.int().min(8, processesHint).max(1_000_000, processesHint).nullable(),
  /** No build starts, and none goes on, with less than this free on its disk. */
  keepFreeBytes: z.int().nonnegative(),
};
export const buildDefaultsSchema = z.object({
  isolation: defaults.isolation.default('auto'),
  memoryBytes: defaults.memoryBytes.default('share'),
  diskBytes: defaults.diskBytes.default(null),
  processes: defaults.processes.default(2_000),
  keepFreeBytes: defaults.keepFreeBytes.default(2 ** 30),
});
export type BuildDefaults = z.infer<typeof buildDefaultsSchema>;

/** A change of them: what is left out stays. */
export const buildDefaultsChangeSchema = z.object(defaults).partial();
export type BuildDefaultsChange = z.infer<typeof buildDefaultsChangeSchema>;

/** For a person: `bubblewrap, no network`; `none` says what it means. */
export function describeIsolation({ level, image, network }: Omit<IsolationUsed, 'limits'>): string {
  if (level === 'none') return 'not isolated: builds of this repository can act as you';
  return [level, ...(image === null ? [] : [image]), ...(network ? [] : ['no network'])].join(', ');
}
