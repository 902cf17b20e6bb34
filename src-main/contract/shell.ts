/** Owns what the desktop's page and its main process tell each other beside the contract: ports, commands of the menus, files of the system. */
import { z } from 'zod';
import { idSchema } from './documents.ts';

export const menuCommandSchema = z.object({
  id: z.string().min(1).max(100),
  title: z.string().min(1).max(200),
  group: z.enum(['Do', 'Go to']),
  shortcut: z.string().max(40).nullable(),
  enabled: z.boolean(),
});
export type MenuCommand = z.infer<typeof menuCommandSchema>;

export const fromPageSchema = z.discriminatedUnion('type', [
  /** Asks for a MessagePort to the engine. */
  z.object({ type: z.literal('port') }),
  /** The commands as they stand now, for the native menus. */
  z.object({ type: z.literal('commands'), commands: z.array(menuCommandSchema).max(200) }),
  /** Opens what Slipway keeps in the system's own tool. No path is taken from a page. */
  z.object({ type: z.literal('open'), what: z.enum(['data-folder', 'engine-log']) }),
  z.object({ type: z.literal('open-log'), jobId: idSchema, attempt: z.number().int().positive() }),
  /** What a person let fall on the window. */
  z.object({ type: z.literal('dropped'), path: z.string().min(1).max(4_096) }),
  z.object({ type: z.literal('start-at-login'), on: z.boolean() }),
  z.object({ type: z.literal('quit') }),
]);
export type FromPage = z.infer<typeof fromPageSchema>;

/** From the main process. Nothing here acts: a page shows, and a person decides. */
export type ToPage =
  | { readonly type: 'run'; readonly command: string }
  /** `thenRun` is a command of the view, run once it is there. */
  | { readonly type: 'go'; readonly hash: string; readonly thenRun: string | null }
  | { readonly type: 'add-repository'; readonly source: string }
  | { readonly type: 'facts'; readonly startsAtLogin: boolean };

/** What the preload gives to the page. */
export interface ShellBridge {
  send(message: FromPage): void;
  onMessage(listener: (message: ToPage) => void): void;
}
