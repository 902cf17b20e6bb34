/** Owns the joining of a job's log to its terminal: one follower per attempt, woken by pushes. */
import { type RefObject, useEffect, useMemo, useRef, useState } from 'react';
import type { DomainError } from '../../../src-main/contract/errors.ts';
import { firstErrorOf } from '../../../src-main/contract/first-error.ts';
import type { JobDetail } from '../../../src-main/contract/views/job.ts';
import { client } from '../../client/client.ts';
import { useQuery } from '../../state/use-query.ts';
import type { LogTerminalHandle } from '../../ui/log-terminal.tsx';
import { type LogFacts, LogFollower, noLogFacts } from './log-follower.ts';
import { LogWindow, type ReadLog } from './log-window.ts';

export interface JobLog {
  readonly facts: LogFacts;
  readonly follower: LogFollower;
  readonly error: DomainError | null;
  /** Since when the log is not kept any more, or null. */
  readonly reclaimedAtMs: number | null;
  readonly refetch: () => void;
}

/** Feeds the terminal with one attempt's log. Give the component that uses it a key of job and attempt. */
export function useJobLog(job: JobDetail, attempt: number, terminal: RefObject<LogTerminalHandle | null>): JobLog {
  const steps = useRef(job.steps);
  steps.current = attempt === job.attempt ? job.steps : [];
  const firstError = firstErrorOf(job.attempts.find(one => one.attempt === attempt)?.error ?? null);
  const error = useRef(firstError);
  error.current = firstError;
  const [facts, setFacts] = useState(noLogFacts);
  const [reclaimedAtMs, setReclaimedAtMs] = useState<number | null>(null);
  const follower = useMemo(() => {
    const boundaries = () =>
      [...steps.current.map(step => step.logOffset), error.current?.logOffset ?? null]
        .filter(offset => offset !== null)
        .sort((a, b) => a - b);
    const read: ReadLog = async (offset, limit, start) => {
      const chunk = await client.jobs.log({ id: job.id, attempt, offset, limit, start });
      setReclaimedAtMs(chunk.reclaimedAtMs);
      return chunk;
    };
    const sink = {
      append: async (text: string) => terminal.current?.append(text),
      replace: async (text: string) => terminal.current?.replace(text),
      showLine: async (line: number, rowsAbove?: number) => terminal.current?.showLine(line, rowsAbove),
      showEnd: async () => terminal.current?.showEnd(),
    };
    return new LogFollower(
      new LogWindow(read, boundaries),
      sink,
      () => steps.current,
      setFacts,
      () => error.current,
    );
  }, [job.id, attempt, terminal]);

  const query = useQuery(`log:${job.id}:${attempt}`, () => follower.follow(), ['log', 'job'], { jobId: job.id });

  const failedStep = job.steps.find(step => step.status === 'failed')?.index ?? null;
  const errorOffset = firstError?.logOffset ?? null;
  useEffect(() => {
    if ((failedStep ?? errorOffset) !== null) void follower.stepsChanged();
  }, [failedStep, errorOffset, follower]);

  return { facts, follower, error: query.error, reclaimedAtMs, refetch: query.refetch };
}
