/** Owns how much a host may be asked: what it says of its limits, and how far that stretches the time between two polls. No I/O. */

/** What a host said of its limits with an answer. */
export interface RateLimit {
  /** Requests that it still takes until `resetAtMs`. */
  readonly remaining: number;
  readonly resetAtMs: number;
}

/** What is known of a host. */
export interface HostState {
  /** Nothing is asked before; 0 when nothing holds it. */
  readonly heldUntilMs: number;
  /** Every interval is multiplied by it: 1 is the pace that people are told. */
  readonly stretch: number;
  /** When `stretch` is halved. */
  readonly easeAtMs: number;
  /** Failures in a row that are the host's own, not a repository's: unreachable, too slow, over its limit. */
  readonly failures: number;
}

export const freshHost: HostState = { heldUntilMs: 0, stretch: 1, easeAtMs: 0, failures: 0 };

/** A poll over HTTP asks for the capabilities and then for the branch. */
const requestsPerPoll = 2;
/** The rest is for fetches, and for whatever else uses the same address. */
const shareOfLimit = 0.8;
const maxStretch = 30;
/** How long a host that has said "too much" is spared. */
const easeEveryMs = 10 * 60_000;
/** A host that says nothing else is left alone this long. */
const defaultHoldMs = 60_000;
const maxHoldMs = 60 * 60_000;

/** After an answer that the host would not give because it was asked too much. */
export function afterRefusal(host: HostState, retryAfterMs: number | null, now: number): HostState {
  return {
    heldUntilMs: now + Math.min(maxHoldMs, retryAfterMs ?? defaultHoldMs),
    stretch: Math.min(maxStretch, host.stretch * 2),
    easeAtMs: now + easeEveryMs,
    failures: host.failures + 1,
  };
}

/** After a failure that is the host's own. */
export const afterHostFailure = (host: HostState): HostState => ({ ...host, failures: host.failures + 1 });

/**
 * After an answer. `limit` is what came with it; `pollsUntilReset` how many polls the usual pace makes until then. The pace is
 * stretched so far that they fit into four fifths of what is left.
 */
export function afterAnswer(
  host: HostState,
  limit: RateLimit | null,
  pollsUntilReset: (resetAtMs: number) => number,
  now: number,
): HostState {
  const eased = easedHost({ ...host, heldUntilMs: 0, failures: 0 }, now);
  if (limit === null || limit.resetAtMs <= now) return eased;
  const affordable = Math.floor((limit.remaining * shareOfLimit) / requestsPerPoll);
  if (affordable < 1) {
    return { ...eased, heldUntilMs: Math.min(limit.resetAtMs, now + maxHoldMs), easeAtMs: limit.resetAtMs };
  }
  const needed = pollsUntilReset(limit.resetAtMs) / affordable;
  if (needed <= eased.stretch) return eased;
  return { ...eased, stretch: Math.min(maxStretch, needed), easeAtMs: limit.resetAtMs };
}

/** Back towards the usual pace, by half each time. */
export function easedHost(host: HostState, now: number): HostState {
  if (host.stretch === 1 || now < host.easeAtMs) return host;
  return { ...host, stretch: Math.max(1, host.stretch / 2), easeAtMs: now + easeEveryMs };
}

/** With each answer within 0.4 s, this many at once look at 25 times as many repositories in ten seconds. */
const repositoriesPerSlot = 25;
const fewestSlots = 8;
const mostSlots = 40;

/** How many requests may be under way at once: a host that does not answer is asked by one at a time, and holds up no other. */
export function slotsOf(host: HostState, repositories: number): number {
  if (host.failures > 0) return 1;
  return Math.min(mostSlots, Math.max(fewestSlots, Math.ceil(repositories / repositoriesPerSlot)));
}
