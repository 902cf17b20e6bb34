/** Owns what log text may do to the terminal: colours and nothing else. Knows neither the terminal nor the network. */

/** SGR: ESC [ digits ; : m. The only control sequences that may reach the terminal. Source: ECMA-48 8.3.117 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding escape sequences is the point
const colour = /^\u001b\[[0-9;:]{0,64}m$/;
/**
 * Everything that is not plain text, each with what belongs to it: control strings (OSC, DCS, APC, PM, SOS) up to their
 * terminator or, unterminated, up to the end of their line, so that no line below is swallowed; control sequences; other
 * escapes; C0 but tab and newline; DEL; C1; line separators and bidirectional controls.
 */
const notPlain =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the point
  /\u001b(?:[\]PX^_][^\u0007\u001b\n]*(?:\u0007|\u001b\\)?|\[[0-?]*[ -/]*[@-~]?|[ -/]*[0-~]?)|[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
/** What a progress line showed before it rewrote itself. */
const rewritten = /^[^\n]*\r(?=[^\n\r])/gm;
/** An escape sequence that the end of a chunk may have cut. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding escape sequences is the point
const cutEscape = /\u001b(?:\[[0-?]{0,64}|[\]PX^_][^\u0007\u001b\n]{0,512})?$/;

/** Text that may be shown: removes every control character and sequence but colours, tab and newline. No colour hides text. */
export function sanitizeLog(text: string): string {
  return text.replace(rewritten, '').replace(notPlain, found => (colour.test(found) ? withoutConcealing(found) : ''));
}

/** The sequence without `8`, which would hide all that follows; as a part of a colour (`38;5;8`) it stays. Source: ECMA-48 8.3.117 */
function withoutConcealing(sequence: string): string {
  if (!sequence.includes('8')) return sequence;
  const parts = sequence.slice(2, -1).split(';');
  const kept: string[] = [];
  for (let at = 0; at < parts.length; ) {
    const part = parts[at] ?? '';
    const isColour = /^[345]8$/.test(part);
    const length = isColour ? (parts[at + 1] === '5' ? 3 : parts[at + 1] === '2' ? 5 : 1) : 1;
    if (Number(part) !== 8) kept.push(...parts.slice(at, at + length));
    at += length;
  }
  // An empty sequence would mean a reset.
  return kept.length === 0 ? '' : `\u001b[${kept.join(';')}m`;
}

/** Splits off an escape sequence (or a carriage return) that the next chunk may complete. */
export function splitCutEscape(text: string): { whole: string; cut: string } {
  const at = text.endsWith('\r') ? text.length - 1 : cutAt(text);
  return { whole: text.slice(0, at), cut: text.slice(at) };
}

function cutAt(text: string): number {
  // Only the last few hundred characters can hold a cut sequence; searching them alone keeps this cheap.
  const from = Math.max(0, text.length - 600);
  const found = cutEscape.exec(text.slice(from));
  return found ? from + found.index : text.length;
}

/** The text without colours, for copying, searching and reading aloud. Expects sanitised text. */
export function plainText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding escape sequences is the point
  return text.replace(/\u001b\[[0-9;:]*m/g, '');
}

const errorLine =
  /(?:^|[\s[(])(?:error(?:\[\w+\])?[:!]|\w*(?:Error|Exception)[:\s]|fatal:|FAIL(?:ED)?\b|panic:|✗|✘|×\s|not ok\b|npm ERR!|Traceback \(most recent|undefined reference|command not found|ended with exit code [1-9])/;
/** Words that mention errors without being one. */
const notError = /\b0 (?:errors?|failed|failures)\b/i;

/** Lines around the place in which an error's line is looked for: progress lines that were rewritten are not shown, and shift it. */
const nearLines = 2_000;

/** Index of the line nearest to `near` that says `error` (cut after 300 characters); `near` where none does. Expects plain text. */
export function lineOfError(lines: readonly string[], near: number, error: string): number {
  const says = (index: number) => lines[index]?.slice(0, 2_000).trim().slice(0, 300) === error;
  for (let away = 0; away <= nearLines; away++) {
    if (says(near - away)) return near - away;
    if (says(near + away)) return near + away;
  }
  return near;
}

/** Index of the first line that reads like an error, from `from` on; null where there is none. Expects plain text. */
export function firstErrorLine(lines: readonly string[], from = 0): number | null {
  for (let index = Math.max(0, from); index < lines.length; index++) {
    const line = lines[index] ?? '';
    if (errorLine.test(line.slice(0, 2_000)) && !notError.test(line)) return index;
  }
  return null;
}
