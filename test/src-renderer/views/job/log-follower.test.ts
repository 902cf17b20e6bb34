/** How a log reaches a screen. */
import { describe, expect, it } from 'vitest';
import type { FirstError } from '../../../../src-main/contract/first-error.ts';
import type { StepView } from '../../../../src-main/contract/views/job.ts';
import { type LogFacts, LogFollower, noLogFacts } from '../../../../src-renderer/views/job/log-follower.ts';
import { LogWindow, type ReadLog } from '../../../../src-renderer/views/job/log-window.ts';

const step = (index: number, status: StepView['status'], logOffset: number): StepView => ({
  index,
  name: `Step ${index}`,
  phase: 'build',
  command: null,
  status,
  startedAtMs: 1,
  finishedAtMs: status === 'running' ? null : 2,
  exitCode: status === 'failed' ? 1 : null,
  logOffset,
  detail: null,
  evidence: [],
});

function screenOf(text: string, steps: StepView[] = []) {
  const state = {
    log: text,
    steps,
    firstError: null as FirstError | null,
    shown: '',
    line: null as number | null,
    atEnd: false,
    facts: noLogFacts as LogFacts,
  };
  const read: ReadLog = async (wanted, limit, start = 'exact') => {
    const offset = start === 'exact' || wanted === 0 ? wanted : state.log.lastIndexOf('\n', wanted - 1) + 1;
    let end = Math.min(state.log.length, offset + limit);
    const lineEnd = state.log.lastIndexOf('\n', end - 1) + 1;
    if (lineEnd > offset) end = lineEnd;
    return {
      text: state.log.slice(offset, end),
      offset,
      nextOffset: end,
      totalBytes: state.log.length,
      line: state.log.slice(0, offset).split('\n').length,
      complete: false,
      reclaimedAtMs: null,
    };
  };
  const window = new LogWindow(read, () => state.steps.map(one => one.logOffset ?? 0));
  const sink = {
    append: async (more: string) => {
      state.shown += more;
    },
    replace: async (all: string) => {
      state.shown = all;
    },
    showLine: async (line: number) => {
      state.line = line;
    },
    showEnd: async () => {
      state.atEnd = true;
    },
  };
  const follower = new LogFollower(
    window,
    sink,
    () => state.steps,
    facts => {
      state.facts = facts;
    },
    () => state.firstError,
  );
  const lineAt = (line: number | null) => (line === null ? null : state.shown.split('\n')[line]);
  return { state, follower, lineAt };
}

describe('LogFollower', () => {
  it('appends what is new and never writes a line twice', async () => {
    const { state, follower } = screenOf('one\n');
    await follower.follow();
    state.log += 'two\n';
    await Promise.all([follower.follow(), follower.follow()]);
    expect(state.shown).toBe('one\ntwo\n');
    expect(state.facts).toMatchObject({ firstLineNumber: 1, lineCount: 2, detached: false });
  });

  it('marks the first error as it arrives', async () => {
    const { state, follower, lineAt } = screenOf('fine\n');
    await follower.follow();
    state.log += 'fine too\nerror: broken\nerror: again\n';
    await follower.follow();
    expect(lineAt(state.facts.errorLine)).toBe('error: broken');
  });

  it('opens a failed job at the error of the failed step, not at words of one that passed', async () => {
    const first = 'error: only words\n'.repeat(3);
    const { state, follower, lineAt } = screenOf(`${first}building\nerror: real\nmore\n`, [
      step(0, 'succeeded', 0),
      step(1, 'failed', first.length),
    ]);
    await follower.follow();
    expect(lineAt(state.line)).toBe('error: real');
    expect(lineAt(state.facts.errorLine)).toBe('error: real');
  });

  it('looks again when it learns which step failed', async () => {
    const { state, follower, lineAt } = screenOf('error: only words\nbuilding\nFAIL here\n');
    await follower.follow();
    expect(lineAt(state.facts.errorLine)).toBe('error: only words');
    state.steps = [step(0, 'failed', 'error: only words\n'.length)];
    await follower.stepsChanged();
    expect(lineAt(state.facts.errorLine)).toBe('FAIL here');
  });

  it('lets go of the end of a long log at a jump, and takes it up again', async () => {
    const line = (index: number) => `line ${index} `.padEnd(79, '.').concat('\n');
    const text = Array.from({ length: 70_000 }, (_, index) => line(index)).join('');
    const { state, follower, lineAt } = screenOf(text, [step(0, 'succeeded', 80 * 50)]);
    await follower.follow();
    const firstShown = Number(/^line (\d+) /.exec(state.shown)?.[1]);
    expect(firstShown).toBeGreaterThan(60_000);
    expect(state.facts.firstLineNumber).toBe(firstShown + 1);
    await follower.goToStep(80 * 50);
    expect(lineAt(state.line)).toContain('line 50 ');
    expect(state.facts.detached).toBe(true);
    const shown = state.shown;
    state.log += 'new\n';
    await follower.follow();
    expect(state.shown).toBe(shown);
    await follower.loadLater();
    expect(state.shown.length).toBeGreaterThan(shown.length);
    await follower.loadEarlier();
    expect(state.facts.firstLineNumber).toBe(1);
    expect(lineAt(state.line)).toContain('line 50 ');
    await follower.goToEnd();
    expect(state.shown.endsWith('new\n')).toBe(true);
    expect(state.atEnd).toBe(true);
    expect(state.facts.detached).toBe(false);
  });

  it('goes on after a failed read', async () => {
    let online = false;
    const shown: string[] = [];
    const window = new LogWindow(
      async offset => {
        if (!online) throw new Error('offline');
        const text = 'one\n'.slice(offset);
        return { text, offset, nextOffset: 4, totalBytes: 4, line: 1, complete: true, reclaimedAtMs: null };
      },
      () => [],
    );
    const add = async (text: string) => {
      shown.push(text);
    };
    const none = async () => undefined;
    const sink = { append: add, replace: add, showLine: none, showEnd: none };
    const follower = new LogFollower(
      window,
      sink,
      () => [],
      () => undefined,
    );
    await expect(follower.follow()).rejects.toThrow('offline');
    online = true;
    await follower.follow();
    expect(shown).toEqual(['one\n']);
  });

  it('shows the first error where the engine found it, not what only reads like one', async () => {
    const log = `error: a word of a test's name\nfine\nthe pier is closed\nlater\n`;
    const { state, follower, lineAt } = screenOf(log, [step(0, 'failed', 0)]);
    state.firstError = { line: 'the pier is closed', logOffset: log.indexOf('the pier') };
    await follower.follow();
    expect(lineAt(state.line)).toBe('the pier is closed');
    expect(lineAt(state.facts.errorLine)).toBe('the pier is closed');
  });

  it('finds its line where progress lines before it were rewritten, and so are shorter on the screen', async () => {
    const log = `${'10 %\r20 %\r100 %\n'.repeat(20)}the pier is closed\n${'later\n'.repeat(40)}`;
    const { state, follower, lineAt } = screenOf(log, [step(0, 'failed', 0)]);
    await follower.follow();
    state.firstError = { line: 'the pier is closed', logOffset: log.indexOf('the pier') };
    await follower.stepsChanged();
    await follower.goToFirstError();
    expect(lineAt(state.line)).toBe('the pier is closed');
  });

  it('loads it, with what leads to it, from the middle of a log that is too long to be loaded whole', async () => {
    const before = 'compiling a file of the harbour\n'.repeat(100_000);
    const log = `${before}the pier is closed\n${'going on all the same\n'.repeat(250_000)}`;
    const { state, follower, lineAt } = screenOf(log, [step(0, 'failed', 0)]);
    state.firstError = { line: 'the pier is closed', logOffset: before.length };
    await follower.follow();
    expect(lineAt(state.line)).toBe('the pier is closed');
    expect(lineAt((state.line ?? 0) - 1)).toBe('compiling a file of the harbour');
    expect(state.facts.detached).toBe(true);
  });

  it('goes to a line by its number, with what leads to it, and to a share of the log', async () => {
    const line = (number: number) => `line ${number} `.padEnd(79, '.').concat('\n');
    const text = Array.from({ length: 70_000 }, (_, index) => line(index + 1)).join('');
    const { state, follower, lineAt } = screenOf(text);
    await follower.follow();
    await follower.goToLine(30_000, 80 * 29_999);
    expect(lineAt(state.line)).toContain('line 30000 ');
    expect(follower.lineOfNumber(30_000)).toBe(state.line);
    expect(lineAt(0)).not.toContain('line 30000 ');
    await follower.goToShare(0.5);
    expect(lineAt(state.line)).toContain('line 35001 ');
    await follower.goToShare(0);
    expect(lineAt(state.line)).toContain('line 1 ');
    expect(state.facts).toMatchObject({ firstLineNumber: 1, detached: true });
    await follower.goToShare(1);
    expect(state.atEnd).toBe(true);
    expect(lineAt((state.facts.lineCount ?? 0) - 1)).toContain('line 70000 ');
  });
});
