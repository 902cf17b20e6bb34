/** Owns MessagePort and MessageChannel of the main process, with their other ends in the page or here. */
import { z } from 'zod';
import { Events } from './strict.ts';

export const portDataSchema = z.union([z.object({ text: z.string() }), z.object({ base64: z.base64() })]);
export type PortData = z.infer<typeof portDataSchema>;

function encode(message: unknown): PortData {
  if (typeof message === 'string') return { text: message };
  if (message instanceof Uint8Array) return { base64: Buffer.from(message).toString('base64') };
  throw new Error('The Electron rig does not know ports with messages other than text and bytes.');
}

let last = 0;
/** The ends that were handed to a page, by number. */
const handed = new Map<number, RigPort>();

export class RigPort extends Events<'message' | 'close'> {
  readonly id = ++last;
  other: RigPort | null = null;
  #page: ((data: PortData) => void) | null = null;
  #isStarted = false;
  #waiting: PortData[] = [];

  constructor() {
    super('MessagePortMain', ['message', 'close']);
  }

  postMessage(message: unknown): void {
    this.other?.take(encode(message));
  }

  /** A message to this end. */
  take(data: PortData): void {
    if (this.#page) this.#page(data);
    else if (!this.#isStarted) this.#waiting.push(data);
    else
      this.emit('message', { data: 'text' in data ? data.text : new Uint8Array(Buffer.from(data.base64, 'base64')) });
  }

  start(): void {
    this.#isStarted = true;
    for (const data of this.#waiting.splice(0)) this.take(data);
  }

  close(): void {
    this.other?.emit('close');
    this.emit('close');
  }

  /** From now on this end is a page's. */
  handTo(page: (data: PortData) => void): void {
    this.#page = page;
    handed.set(this.id, this);
    for (const data of this.#waiting.splice(0)) page(data);
  }
}

export class MessageChannelMain {
  readonly port1 = new RigPort();
  readonly port2 = new RigPort();

  constructor() {
    this.port1.other = this.port2;
    this.port2.other = this.port1;
  }
}

/** A page sent something through its end. */
export function fromPage(portId: number, data: PortData): void {
  handed.get(portId)?.other?.take(data);
}

/** The page with these ends has gone. */
export function pageGone(portIds: readonly number[]): void {
  for (const id of portIds) {
    handed.get(id)?.other?.emit('close');
    handed.delete(id);
  }
}
