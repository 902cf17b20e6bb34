/** Owns searching one attempt's log in the engine: what is typed, what was found, and the match that is shown. */
import { useEffect, useMemo, useRef, useState } from 'react';
import type { DomainError } from '../../../src-main/contract/errors.ts';
import type { LogMatch } from '../../../src-main/contract/views/log.ts';
import { client } from '../../client/client.ts';
import { toDomainError } from '../../client/errors.ts';
import type { LogMark } from '../../ui/log-terminal-finds.ts';
import {
  addMatches,
  currentMatch,
  type LogSearchState,
  openSearch,
  renewSearch,
  searchWords,
  stepSearch,
} from './log-search-model.ts';

/** A search begins when nothing was typed for so long. */
const typingMs = 150;
/** The log of a running job is searched again at most this often. */
const againMs = 2_000;
const pageMatches = 1_000;

export interface LogSearching {
  readonly text: string;
  readonly matchCase: boolean;
  readonly setText: (text: string) => void;
  readonly setMatchCase: (matchCase: boolean) => void;
  readonly state: LogSearchState | null;
  readonly words: string;
  readonly busy: boolean;
  readonly error: DomainError | null;
  readonly mark: LogMark | null;
  /** Shows the next or the previous match. */
  readonly step: (by: 1 | -1) => void;
}

export interface LogSearchOptions {
  readonly jobId: string;
  readonly attempt: number;
  /** Of the log as it is known now; when it grows, what is searched for is looked for again. */
  readonly totalBytes: number;
  /** Number of the first line in sight. */
  readonly fromLine: () => number;
  readonly onShow: (match: LogMatch) => void;
}

async function find(
  { jobId, attempt }: Pick<LogSearchOptions, 'jobId' | 'attempt'>,
  { text, matchCase }: LogMark,
  after: number,
  signal: AbortSignal,
) {
  const query = { id: jobId, attempt, text, case: matchCase ? 'match' : 'ignore', after, limit: pageMatches } as const;
  return client.jobs.searchLog(query, { signal });
}

/** The search of one attempt's log. Give the component that uses it a key of job and attempt. */
export function useLogSearch(options: LogSearchOptions): LogSearching {
  const { totalBytes } = options;
  const [text, setText] = useState('');
  const [matchCase, setMatchCase] = useState(false);
  const mark = useMemo(() => (text === '' ? null : { text, matchCase }), [text, matchCase]);
  const [state, setState] = useState<LogSearchState | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<DomainError | null>(null);
  const latest = useRef({ ...options, state });
  latest.current = { ...options, state };

  /** Runs a search whose outcome counts unless something else was asked for by then. */
  const run = async (signal: AbortSignal, work: () => Promise<LogSearchState>, show: boolean) => {
    setBusy(true);
    try {
      const next = await work();
      if (signal.aborted) return;
      setState(next);
      setError(null);
      const match = currentMatch(next);
      if (show && match) latest.current.onShow(match);
    } catch (failure) {
      if (!signal.aborted) setError(toDomainError(failure));
    } finally {
      if (!signal.aborted) setBusy(false);
    }
  };
  const begin = useRef(run);
  begin.current = run;
  const asked = useRef(new AbortController());

  useEffect(() => {
    asked.current.abort();
    const turn = new AbortController();
    asked.current = turn;
    if (mark === null) {
      setState(null);
      setError(null);
      setBusy(false);
      return;
    }
    const search = async () => openSearch(await find(latest.current, mark, 0, turn.signal), latest.current.fromLine());
    const timer = setTimeout(() => void begin.current(turn.signal, search, true), typingMs);
    return () => {
      clearTimeout(timer);
      turn.abort();
    };
  }, [mark]);

  const searchedBytes = state?.found.totalBytes ?? null;
  useEffect(() => {
    if (mark === null || searchedBytes === null || searchedBytes >= totalBytes) return;
    const turn = asked.current;
    const renew = async () => {
      const found = await find(latest.current, mark, 0, turn.signal);
      return latest.current.state === null ? openSearch(found, 1) : renewSearch(latest.current.state, found);
    };
    const timer = setTimeout(() => void begin.current(turn.signal, renew, false), againMs);
    return () => clearTimeout(timer);
  }, [mark, searchedBytes, totalBytes]);

  const step = (by: 1 | -1) => {
    if (state === null || mark === null || busy) return;
    const next = stepSearch(state, by);
    if (next !== 'more') {
      setState(next);
      const match = currentMatch(next);
      if (match) options.onShow(match);
      return;
    }
    const { signal } = asked.current;
    const more = async () => {
      const grown = addMatches(state, await find(options, mark, state.found.next ?? 0, signal));
      const stepped = stepSearch(grown, by);
      return stepped === 'more' ? grown : stepped;
    };
    void run(signal, more, true);
  };

  return {
    text,
    matchCase,
    setText,
    setMatchCase,
    state,
    words: state === null ? '' : searchWords(state),
    busy,
    error,
    mark,
    step,
  };
}
