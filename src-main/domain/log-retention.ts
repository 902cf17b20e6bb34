/** Owns which logs of jobs are kept: a pure rule by number, age and size. No I/O. */

export interface LogFact {
  readonly jobId: string;
  readonly jobNumber: number;
  readonly repositoryId: string;
  readonly succeeded: boolean;
  readonly finishedAt: number;
  /** What the logs of all its attempts take, with the lists of tests beside them. */
  readonly sizeBytes: number;
}

export interface LogRule {
  /** Of each repository, whose logs stay whatever the rest says. */
  readonly alwaysKeptJobs: number;
  /** Of each repository at most. */
  readonly maximumJobs: number;
  readonly maximumAgeMs: number;
  /** Of all together; passed only by those that always stay. */
  readonly maximumBytes: number;
}

/**
 * The jobs whose logs go, oldest first. Always kept are those of each repository's newest jobs, and while its newest job fails, of the
 * one with which the failures began. Jobs that have not ended are not in `logs`.
 */
export function logsToReclaim(logs: readonly LogFact[], rule: LogRule, now: number): LogFact[] {
  const byRepository = new Map<string, LogFact[]>();
  for (const log of [...logs].sort((a, b) => b.jobNumber - a.jobNumber)) {
    const known = byRepository.get(log.repositoryId);
    if (known) known.push(log);
    else byRepository.set(log.repositoryId, [log]);
  }
  const gone = new Set<LogFact>();
  const mayGo: LogFact[] = [];
  for (const newestFirst of byRepository.values()) {
    const lastSuccess = newestFirst.findIndex(log => log.succeeded);
    const firstFailure = (lastSuccess < 0 ? newestFirst.length : lastSuccess) - 1;
    newestFirst.forEach((log, index) => {
      if (index < rule.alwaysKeptJobs || index === firstFailure) return;
      mayGo.push(log);
      if (index >= rule.maximumJobs || now - log.finishedAt > rule.maximumAgeMs) gone.add(log);
    });
  }
  mayGo.sort((a, b) => a.finishedAt - b.finishedAt || a.jobNumber - b.jobNumber);
  let excess = logs.reduce((sum, log) => sum + (gone.has(log) ? 0 : log.sizeBytes), 0) - rule.maximumBytes;
  for (const log of mayGo) {
    if (excess <= 0) break;
    if (gone.has(log)) continue;
    gone.add(log);
    excess -= log.sizeBytes;
  }
  return mayGo.filter(log => gone.has(log));
}
