/** Owns finding the line of a step's output in which it first says what went wrong. Pure text. */

export interface FirstError {
  /** Without colours, at most 300 characters. */
  readonly line: string;
  /** Bytes from the beginning of the text that was looked at. */
  readonly offsetBytes: number;
  /** It begins as errors do; else it is only the last line there is. */
  readonly marked: boolean;
}

const maxLineLength = 300;
/** No error that a person reads is further into its line. */
const maxLookedAt = 2_000;

/**
 * How compilers, test runners and shells begin the line that matters. `0 errors` and a file called error.ts are none of
 * these: a word needs its colon, a mark its place at the line's start.
 */
const marks: readonly RegExp[] = [
  /(?:^|[^\w.-])(?:fatal error|fatal|panic|error)(?:\[\w{1,10}\]|\(\w{1,10}\)| [A-Z]{1,4}\d{1,5})?\s?:/i,
  /(?:^|[^\w-])[A-Z]\w{0,60}(?:Error|Exception)(?: \[\w{1,60}\])?:/,
  /^\s{0,8}(?:not ok|FAIL|FAILED|✖|✗|✘|×)(?:\s|:|$)/u,
  /^(?:npm (?:ERR!|error)|ERROR|E {3}|panic:|make(?:\[\d+\])?: \*\*\*|thread '[^']{1,80}' panicked)/,
  /: (?:command )?not found$/,
  /No such file or directory$/,
  /: undefined reference to /,
];

/** The first such line; else the last line that is not empty; null where there is none. Lines of Slipway's own are passed over. */
export function findFirstError(log: Uint8Array): FirstError | null {
  const bytes = Buffer.from(log.buffer, log.byteOffset, log.byteLength);
  let last: FirstError | null = null;
  for (let start = 0; start < bytes.length; ) {
    const feed = bytes.indexOf(0x0a, start);
    const end = feed < 0 ? bytes.length : feed;
    const raw = bytes.toString('utf8', start, Math.min(end, start + maxLookedAt));
    const line = withoutColours(raw).trim();
    if (line !== '' && !isOwn(raw)) {
      const marked = marks.some(mark => mark.test(line));
      last = { line: line.slice(0, maxLineLength), offsetBytes: start, marked };
      if (marked) return last;
    }
    start = end + 1;
  }
  return last;
}

/** Notes are dim, from their first character to their last. */
function isOwn(line: string): boolean {
  return line.startsWith('\u001b[2m') && line.endsWith('\u001b[0m');
}

function withoutColours(line: string): string {
  // A carriage return writes over what a progress bar had there.
  const shown = line.slice(line.trimEnd().lastIndexOf('\r') + 1);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the log keeps colours, and no other sequence
  return shown.replace(/\u001b\[[\d;:]{0,64}m/g, '');
}
