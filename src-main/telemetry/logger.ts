/** Owns the engine's own log: JSON lines with fixed event names on stderr or in a file. Build output is not a log. */
import { messageOf } from '../contract/errors.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  with(fields: LogFields): Logger;
}

export interface LogSink {
  write(line: string): void;
}

const order: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Field names whose values never reach a sink, whoever logs them. */
const secretName = /token|secret|password|passphrase|authorization|cookie|private_?key/i;
/** User and password inside a URL. */
const urlCredentials = /(\b[a-z][a-z0-9+.-]*:\/\/)[^/\s@]+@/gi;

function redact(name: string, value: unknown): unknown {
  if (secretName.test(name)) return '[redacted]';
  if (value instanceof Error) return redact('', { message: messageOf(value), stack: value.stack });
  if (typeof value === 'string') return value.replace(urlCredentials, '$1');
  if (Array.isArray(value)) return value.map(item => redact('', item));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, redact(key, item)]));
  }
  return value;
}

/** A logger over `sink`; lines below `level` are dropped. */
export function createLogger(sink: LogSink, level: LogLevel = 'info', fields: LogFields = {}): Logger {
  const log = (lineLevel: LogLevel, event: string, extra: LogFields = {}) => {
    if (order[lineLevel] < order[level]) return;
    const body = redact('', { ...fields, ...extra }) as LogFields;
    sink.write(`${JSON.stringify({ at: new Date().toISOString(), level: lineLevel, event, ...body })}\n`);
  };
  return {
    debug: (event, extra) => log('debug', event, extra),
    info: (event, extra) => log('info', event, extra),
    warn: (event, extra) => log('warn', event, extra),
    error: (event, extra) => log('error', event, extra),
    with: extra => createLogger(sink, level, { ...fields, ...extra }),
  };
}

export const silentLogger: Logger = createLogger({ write: () => undefined });
