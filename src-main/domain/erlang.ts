/** Owns the queueing estimate: how long deploys wait for one of several workers. No I/O. */

/**
 * The probability that a new deploy has to wait, by number of workers from 1 on, for `offered` (builds that would run at once if none
 * waited, in Erlang); 1 where more comes in than so many workers build. Erlang's C formula, by the recursion of his B formula, which neither
 * overflows nor loses digits. Source: A. K. Erlang, "Solution of some problems in the theory of probabilities…", 1917; L. Kleinrock,
 * "Queueing Systems", vol. 1 (1975), 3.4 and 3.5.
 */
export function* waitProbabilities(offered: number): Generator<number> {
  let blocked = 1;
  for (let workers = 1; ; workers += 1) {
    blocked = (offered * blocked) / (workers + offered * blocked);
    const busy = offered / workers;
    yield busy >= 1 ? 1 : blocked / (1 - busy * (1 - blocked));
  }
}

export interface Wait {
  readonly meanSeconds: number;
  readonly p95Seconds: number;
}

/**
 * How long deploys wait with `workers` that take `secondsPerBuild` each, when `perSecond` come in; null where the queue grows without end.
 * M/M/c: deploys come independently of each other, build times are spread as exponentials, first in first out. Real builds of one size spread
 * less and wait less; deploys that come in waves wait more. Source: Kleinrock, as above: W = C / (cμ − λ), P(wait > t) = C e^−(cμ−λ)t.
 */
export function waitOf(
  { perSecond, secondsPerBuild }: { readonly perSecond: number; readonly secondsPerBuild: number },
  workers: number,
  waitProbability: number,
): Wait | null {
  const spare = workers / secondsPerBuild - perSecond;
  if (spare <= 0) return null;
  return {
    meanSeconds: waitProbability / spare,
    p95Seconds: Math.max(0, Math.log(waitProbability / 0.05) / spare),
  };
}
