/** Which bytes of a log are loaded, and what became of their lines. */
import { describe, expect, it } from 'vitest';
import { LogWindow, type ReadLog } from '../../../../src-renderer/views/job/log-window.ts';

/** A log in memory, read by byte range as the engine does it: whole lines where possible. */
function logOf(initial: string, complete = true) {
  const log = { bytes: new TextEncoder().encode(initial), complete, reads: [] as { offset: number; limit: number }[] };
  const read: ReadLog = async (wanted, limit, start = 'exact') => {
    log.reads.push({ offset: wanted, limit });
    const offset = start === 'exact' || wanted === 0 ? wanted : log.bytes.lastIndexOf(0x0a, wanted - 1) + 1;
    let line = 1;
    for (let at = log.bytes.indexOf(0x0a); at >= 0 && at < offset; at = log.bytes.indexOf(0x0a, at + 1)) line++;
    let end = Math.min(log.bytes.length, offset + limit);
    const lineEnd = log.bytes.lastIndexOf(0x0a, end - 1) + 1;
    if (lineEnd > offset) end = lineEnd;
    const text = new TextDecoder().decode(log.bytes.subarray(offset, end));
    const { complete } = log;
    return { text, offset, nextOffset: end, totalBytes: log.bytes.length, line, complete, reclaimedAtMs: null };
  };
  const append = (text: string) => {
    log.bytes = new Uint8Array([...log.bytes, ...new TextEncoder().encode(text)]);
  };
  return { log, read, append };
}

async function readAll(window: LogWindow): Promise<void> {
  while (window.more) if ((await window.readOn()).kind === 'none') return;
}

const numbered = (count: number, width = 60) =>
  Array.from({ length: count }, (_, index) => `line ${index} `.padEnd(width, '.'))
    .join('\n')
    .concat('\n');

describe('LogWindow', () => {
  it('reads a short log whole and numbers its lines', async () => {
    const { read } = logOf('one\ntwo\nthree\n');
    const window = new LogWindow(read, () => []);
    await readAll(window);
    expect(window.text()).toBe('one\ntwo\nthree\n');
    expect(window.firstLineNumber).toBe(1);
    expect(window.lineCount).toBe(3);
    expect(window.complete).toBe(true);
    expect(window.more).toBe(false);
  });

  it('follows what is appended and says what is new', async () => {
    const { read, append, log } = logOf('one\n', false);
    const window = new LogWindow(read, () => []);
    await readAll(window);
    expect(await window.readOn()).toEqual({ kind: 'none' });
    append('two\n');
    expect(await window.readOn()).toEqual({ kind: 'appended', text: 'two\n' });
    expect(window.complete).toBe(false);
    log.complete = true;
    await window.readOn();
    expect(window.complete).toBe(true);
  });

  it('joins an escape sequence that a read has cut', async () => {
    const { read } = logOf('\u001b[31mred');
    const window = new LogWindow(
      (offset, limit) => read(offset, Math.min(limit, 3)),
      () => [],
    );
    await readAll(window);
    expect(window.text()).toBe('\u001b[31mred');
  });

  it('opens a long log at the beginning of a line near its end, numbered, and grows upwards', async () => {
    const { read, log } = logOf(numbered(100_000));
    const window = new LogWindow(read, () => []);
    await readAll(window);
    expect(window.startOffset).toBeGreaterThan(log.bytes.length - 600_000);
    const numberOf = () => Number(/^line (\d+)/.exec(window.text())?.[1]) + 1;
    expect(window.firstLineNumber).toBe(numberOf());
    expect(window.indexOfLine(100_000)).toBe(100_000 - numberOf());
    expect(window.indexOfLine(numberOf() - 1)).toBeNull();
    const start = window.startOffset;
    expect(await window.readBefore()).toEqual({ kind: 'replaced' });
    expect(window.startOffset).toBeLessThan(start);
    expect(window.firstLineNumber).toBe(numberOf());
    expect(window.text()).toContain('line 99999 ');
  });

  it('never holds more than its bound, whichever way it grows', async () => {
    const { read } = logOf(numbered(150_000));
    const window = new LogWindow(read, () => []);
    await readAll(window);
    for (let turn = 0; turn < 40 && window.startOffset > 0; turn++) {
      await window.readBefore();
      expect(window.endOffset - window.startOffset).toBeLessThanOrEqual(4 * 1024 * 1024);
    }
    expect(window.startOffset).toBe(0);
    expect(window.firstLineNumber).toBe(1);
    await readAll(window);
    expect(window.endOffset - window.startOffset).toBeLessThanOrEqual(4 * 1024 * 1024);
    const first = /line (\d+)/.exec(window.text())?.[1];
    expect(window.firstLineNumber).toBe(Number(first) + 1);
  });

  it('finds the first line of a step, in characters of any width', async () => {
    const before = 'ä ✓ 🚢\n'.repeat(100);
    const offset = new TextEncoder().encode(before).length;
    const { read } = logOf(`${before}step two\nmore\n`);
    const window = new LogWindow(read, () => [0, offset]);
    await readAll(window);
    expect(window.lineAtOffset(offset)).toBe(100);
    expect(window.lines()[100]).toBe('step two');
    expect(window.lineAtOffset(10_000_000)).toBeNull();
  });

  it('reads several steps at once and still knows where each begins', async () => {
    const { read, log } = logOf('a\u001b[2Jb\nstep one \u001b[1A\nmore\nstep two\n');
    const at = (words: string) => new TextDecoder().decode(log.bytes).indexOf(words);
    const window = new LogWindow(read, () => [0, at('step one'), at('step two')]);
    await readAll(window);
    expect(log.reads).toHaveLength(1);
    expect(window.lines()[window.lineAtOffset(at('step one')) ?? -1]).toBe('step one ');
    expect(window.lines()[window.lineAtOffset(at('step two')) ?? -1]).toBe('step two');
  });

  it('moves to a step that is not loaded', async () => {
    const text = numbered(100_000);
    const { read } = logOf(text);
    const window = new LogWindow(read, () => [61 * 10]);
    await readAll(window);
    expect(await window.goTo(61 * 10)).toEqual({ kind: 'replaced' });
    expect(window.lineAtOffset(61 * 10)).toBe(0);
    expect(window.lines()[0]).toContain('line 10 ');
    expect(await window.goTo(61 * 11)).toEqual({ kind: 'none' });
    expect(window.more).toBe(true);
  });

  it('changes nothing when a read fails', async () => {
    const { read } = logOf('one\ntwo\n');
    let fails = false;
    const window = new LogWindow(
      (offset, limit) => (fails ? Promise.reject(new Error('offline')) : read(offset, Math.min(limit, 4))),
      () => [],
    );
    await window.readOn();
    fails = true;
    await expect(window.readOn()).rejects.toThrow('offline');
    expect(window.text()).toBe('one\n');
    fails = false;
    await readAll(window);
    expect(window.text()).toBe('one\ntwo\n');
  });
});
