/** Owns how slipway.yml says what happens on a machine: the paths that releases share, the switch, and the health check. */
import { z } from 'zod';
import { signalNameSchema, unitNameSchema } from './activation.ts';
import { artifactPathSchema, commandSchema, durationSchema, textSchema } from './pipeline-values.ts';
import { healthHttpSchema, healthTcpSchema } from './plan.ts';

const sharedPathSchema = artifactPathSchema
  .regex(/^[^*?{}[\]!]*$/, 'write a path, without wildcards')
  .transform(path =>
    path
      .split('/')
      .filter(part => part !== '' && part !== '.')
      .join('/'),
  )
  .refine(path => path !== '', 'write a path below the release');

export const sharedSchema = z
  .array(sharedPathSchema)
  .max(100)
  .refine(
    paths =>
      paths.every((path, index) => !paths.some((other, at) => at !== index && `${path}/`.startsWith(`${other}/`))),
    'no path may be named twice, or lie in another one',
  )
  .describe(
    "Files and folders of a release that stay from one release to the next: links into the machine's shared folder.",
  );

const pidFileSchema = textSchema
  .min(1, 'write a path')
  .regex(/^(?!(?:.*[/\\])?\.\.(?:[/\\]|$))/, 'a path may not lead upwards');

export const activateSchema = z
  .strictObject({
    mode: z
      .enum(['restart', 'overlap'])
      .optional()
      .describe(
        'restart (default) ends the old release before the new one is started; overlap starts it beside the old one, on a $PORT of its own.',
      ),
    drain: durationSchema.optional().describe('Of overlap: from the switch to the end of the old one. Default: 10s.'),
    command: commandSchema.optional().describe('Run at the switch, in the folder of the new release.'),
    unit: unitNameSchema.optional().describe('A systemd unit, restarted at the switch.'),
    signal: z
      .strictObject({
        name: signalNameSchema.optional().describe('Default: HUP.'),
        pid: pidFileSchema.describe("The file with the process's id: absolute, or below the agent's root."),
      })
      .optional()
      .describe('Sent at the switch to a process that runs already.'),
  })
  .refine(
    ({ command, unit, signal }) => [command, unit, signal].filter(way => way !== undefined).length <= 1,
    'write one of command, unit and signal',
  )
  .describe('How a machine takes a new release. Without it, the start command is ended and started again.');

export const healthSchema = z
  .strictObject({
    http: healthHttpSchema.optional().describe('A URL that answers 2xx. $PORT is the port that the release was given.'),
    tcp: healthTcpSchema.optional().describe('host:port that takes a connection. $PORT as above.'),
    command: commandSchema.optional(),
    attempts: z.number().int().positive().max(100).optional().describe('Default: 5.'),
    interval: durationSchema.optional().describe('Time between attempts. Default: 1s.'),
    timeout: durationSchema.optional().describe('Time for one attempt. Default: 10s.'),
    passes: z.number().int().positive().max(100).optional().describe('Answers in a row that must be good. Default: 1.'),
    start: durationSchema.optional().describe('From the start, how long failures do not count. Default: none.'),
  })
  .refine(
    ({ http, tcp, command }) => [http, tcp, command].filter(way => way !== undefined).length === 1,
    'a health check needs one of http, tcp and command',
  )
  .describe('How a machine knows that the release works; otherwise it goes back to the one before.');
