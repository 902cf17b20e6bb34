/** Owns the count of the requests that a test's server still works at, so that what it has received can be told for certain. */

export interface RequestsUnderWay {
  /** Counts a request until its promise settles, whichever way. */
  track(request: Promise<unknown>): void;
  /** Resolves when none is under way. */
  atRest(): Promise<void>;
}

export function requestsUnderWay(): RequestsUnderWay {
  const underWay = new Set<Promise<unknown>>();
  return {
    track(request) {
      underWay.add(request);
      const forget = () => underWay.delete(request);
      request.then(forget, forget);
    },
    async atRest() {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
  };
}
