/** Owns how commands speak: data on stdout, progress and messages on stderr, `--json` and NO_COLOR honoured. */
import { DomainError, messageOf } from '../contract/errors.ts';

/** Exit codes: done, failed, wrong use. */
export const exitCodes = { done: 0, failed: 1, wrongUse: 2 } as const;

export interface OutputOptions {
  readonly json?: boolean | undefined;
}

/** Writes a command's result: as JSON, or as `text`. */
export function print(data: unknown, options: OutputOptions, text: string): void {
  process.stdout.write(options.json ? `${JSON.stringify(data, null, 2)}\n` : text.endsWith('\n') ? text : `${text}\n`);
}

/** A line about what is going on. */
export function say(message: string): void {
  process.stderr.write(`${message}\n`);
}

/** What names and other people's texts may do to a terminal: nothing. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '�');
}

/** Columns as wide as their widest cell; the last one is left as it is. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows].map(row => row.map(plain));
  const widths = header.map((_, column) => Math.max(...all.map(row => (row[column] ?? '').length)));
  return `${all
    .map(row =>
      row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')}\n`;
}

/** Writes an error as JSON, in the form that every command and the API give. */
export function printError(error: DomainError): void {
  process.stdout.write(`${JSON.stringify({ error: error.toView() }, null, 2)}\n`);
}

/** Ends a command that failed: one clear message, and with `--json` the whole error on stdout. */
export function fail(error: unknown, options: OutputOptions): void {
  const failure = error instanceof DomainError ? error : new DomainError('internal', messageOf(error));
  if (options.json) printError(failure);
  say(`slipway: ${plain(failure.message)} (${failure.code})`);
  if (!(error instanceof DomainError) && process.env.SLIPWAY_DEBUG && error instanceof Error) say(error.stack ?? '');
  process.exitCode = exitCodes.failed;
}
