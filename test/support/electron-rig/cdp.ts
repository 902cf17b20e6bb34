/** Owns the Chromium of the rig and the connection to it: its DevTools protocol over a WebSocket, one session per page. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { browserProgram } from '../browser.ts';

const messageSchema = z.object({
  id: z.number().optional(),
  method: z.string().optional(),
  params: z.unknown().optional(),
  result: z.unknown().optional(),
  error: z.object({ message: z.string() }).optional(),
  sessionId: z.string().optional(),
});

export interface Session {
  /** Calls a method; the answer is checked by the schema. */
  call<Answer>(method: string, params: object, answer: z.ZodType<Answer>): Promise<Answer>;
  send(method: string, params?: object): Promise<void>;
  on<Params>(method: string, params: z.ZodType<Params>, listener: (params: Params) => void): void;
}

export interface Chromium {
  readonly endpoint: string;
  readonly browser: Session;
  session(id: string): Session;
}

const userData = mkdtempSync(join(tmpdir(), 'slipway-rig-'));
let child: ChildProcess | null = null;

/** Ends Chromium and removes its profile, at once: the last thing that a process of the rig does. */
process.on('exit', () => {
  child?.kill('SIGKILL');
  rmSync(userData, { recursive: true, force: true, maxRetries: 3 });
});

async function launch(): Promise<string> {
  const { executablePath, args } = await browserProgram();
  const started = spawn(
    executablePath,
    [...args, '--headless=new', '--remote-debugging-port=0', `--user-data-dir=${userData}`, 'about:blank'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  child = started;
  let said = '';
  return new Promise((resolve, reject) => {
    started.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-8_000);
      const found = /DevTools listening on (ws:\S+)/.exec(said)?.[1];
      if (found) resolve(found);
    });
    started.once('exit', () => reject(new Error(`Chromium ended: ${said}`)));
  });
}

async function start(): Promise<Chromium> {
  const endpoint = await launch();
  const socket = new WebSocket(endpoint);
  await once(socket, 'open');
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  const listeners = new Map<string, ((params: unknown) => void)[]>();
  let last = 0;
  socket.addEventListener('message', ({ data }) => {
    const message = messageSchema.parse(JSON.parse(String(data)));
    const waiter = message.id === undefined ? undefined : waiting.get(message.id);
    if (waiter && message.id !== undefined) {
      waiting.delete(message.id);
      if (message.error) waiter.reject(new Error(message.error.message));
      else waiter.resolve(message.result);
    }
    for (const listener of listeners.get(`${message.sessionId ?? ''} ${message.method}`) ?? [])
      listener(message.params);
  });
  const session = (sessionId?: string): Session => {
    const call = async <Answer>(method: string, params: object, answer: z.ZodType<Answer>): Promise<Answer> => {
      const id = ++last;
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      waiting.set(id, { resolve, reject });
      socket.send(JSON.stringify({ id, method, params, sessionId }));
      return answer.parse(
        await promise.catch(error => {
          throw new Error(`${method}: ${error.message}`);
        }),
      );
    };
    return {
      call,
      send: async (method, params = {}) => void (await call(method, params, z.unknown())),
      on(method, params, listener) {
        const key = `${sessionId ?? ''} ${method}`;
        listeners.set(key, [...(listeners.get(key) ?? []), input => listener(params.parse(input))]);
      },
    };
  };
  return { endpoint, browser: session(), session };
}

let started: Promise<Chromium> | null = null;

/** The one Chromium of this process, started when it is first needed. */
export function chromium(): Promise<Chromium> {
  started ??= start();
  return started;
}
