/** Owns how a secret value is read: from a pipe, or typed without an echo. Never from an argument, which every process sees. */
import { text } from 'node:stream/consumers';
import { DomainError } from '../contract/errors.ts';

const ctrlC = '\u0003';
const ctrlD = '\u0004';
const backspaces = new Set(['\b', '\u007f']);

/** One line from the terminal, shown to nobody. Throws `input.invalid` when it is given up. */
function typed(question: string): Promise<string> {
  const { stdin, stderr } = process;
  return new Promise((resolve, reject) => {
    let value = '';
    const end = (settle: () => void) => {
      stdin.off('data', read).setRawMode(false).pause();
      stderr.write('\n');
      settle();
    };
    const read = (chunk: string) => {
      for (const character of chunk) {
        if (character === '\r' || character === '\n' || character === ctrlD) return end(() => resolve(value));
        if (character === ctrlC)
          return end(() => reject(new DomainError('input.invalid', 'Given up; nothing was set.')));
        value = backspaces.has(character) ? [...value].slice(0, -1).join('') : value + character;
      }
    };
    stderr.write(question);
    stdin.setEncoding('utf8').setRawMode(true).on('data', read).resume();
  });
}

/**
 * The value on stdin. The line end that `echo` puts after a single line is no part of it; several lines, as of a key, are
 * taken as they are. Throws `input.invalid`.
 */
export async function readSecret(name: string): Promise<string> {
  if (process.stdin.isTTY) return typed(`Value of ${name} (not shown): `);
  const value = await text(process.stdin);
  const single = /^([^\r\n]*)\r?\n$/.exec(value);
  return single?.[1] ?? value;
}
