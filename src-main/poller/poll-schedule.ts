/** Owns which repository is looked at next: when each is due, and how many looks its host bears. Keeps it in memory; looks at nothing. */
import type { RepositoryRecord } from '../database/repositories.ts';
import { isDue, longestBackoffMs, pollBackoff } from '../domain/backoff.ts';
import { freshHost, type HostState, slotsOf } from '../domain/poll-host.ts';
import { activeForMs, nextLookMs, type Pace, paceMs } from '../domain/poll-pace.ts';
import { parseSshAddress } from '../sources/ssh-address.ts';

/** All hosts together. Each look over HTTP holds one socket. */
const maxLooks = 256;
const localHost = 'this machine';
/** Each is a look at files, or a process. */
const localSlots = 2;
/** Each is two processes and a key exchange, or svn's process and a session, and servers refuse who opens many at once. Source: sshd_config(5), MaxStartups. */
const programSlots = 2;

/** A repository that is looked at. */
export interface Watched {
  repository: RepositoryRecord;
  readonly host: string;
  /** On this machine's disk. */
  readonly isLocal: boolean;
  dueAt: number;
  failures: number;
  /** When a revision was last new; null where none was since the start. */
  changedAt: number | null;
  /** Of a repository on this machine: what its files showed at the last look that succeeded. */
  signature: string | null;
  /** When its branches were last really listed; of a branch that is gone, when all of them were. */
  listedAt: number;
  /** When the remote's default branch was last asked for, where a look does not tell it; null before the first look. */
  defaultAskedAt: number | null;
  /** Not looked at since the start: all such are due at once, and their second looks are spread over the interval. */
  isFresh: boolean;
  /** Whether a look is under way. */
  looking: boolean;
}

export interface HostView {
  readonly host: string;
  readonly repositories: number;
  readonly stretch: number;
  readonly heldUntilMs: number | null;
  readonly failures: number;
}

export interface PollSchedule {
  /** Takes the repositories as they are now; what is known of one that stays is kept. */
  replace(repositories: readonly RepositoryRecord[], now: number): void;
  /** The entry of a repository, made where there is none, with its row as it is now. */
  take(repository: RepositoryRecord): Watched;
  /** Those to look at now, the longest due first, as many as their hosts bear. Each counts as begun. */
  begin(now: number): readonly Watched[];
  /** The look has ended; plans the next one. */
  end(watched: Watched, startedAt: number, random: number): void;
  hostOf(watched: Watched): HostState;
  setHost(watched: Watched, state: HostState): void;
  /** Makes everything due that failed while its host did not answer. */
  hurry(host: string, now: number): void;
  /** Polls of a host until `untilMs` at the usual pace. */
  pollsUntil(host: string, now: number, untilMs: number): number;
  /** The pace of one repository, or null where it is not watched. */
  paceOf(repositoryId: string, now: number): { readonly paceMs: number; readonly host: HostView } | null;
  hosts(): readonly HostView[];
}

/** `https://github.com`, `ssh://github.com` of a URL, so that one host's troubles are its own; all paths of this machine together. */
export function hostOfUrl(url: string): string {
  const parsed = URL.parse(url);
  if (parsed !== null && /^https?:$/.test(parsed.protocol)) return parsed.origin;
  if (parsed?.protocol === 'svn:') return `svn://${parsed.host}`;
  const ssh = parseSshAddress(url);
  if (ssh === null) return localHost;
  return `ssh://${ssh.host}${ssh.port === null ? '' : `:${ssh.port}`}`;
}

export function createPollSchedule(intervalMs: number): PollSchedule {
  const watched = new Map<string, Watched>();
  const hosts = new Map<string, HostState>();
  const hostState = (host: string) => hosts.get(host) ?? freshHost;
  const longestMs = Math.max(60 * 60_000, intervalMs, longestBackoffMs(pollBackoff));

  function pace({ repository, host, isLocal, changedAt }: Watched, now: number): Pace {
    return {
      intervalMs: repository.pollIntervalMs ?? intervalMs,
      isChosen: repository.pollIntervalMs !== null,
      isLocal,
      stretch: hostState(host).stretch,
      isActive: changedAt !== null && Math.abs(now - changedAt) < activeForMs,
    };
  }

  function take(repository: RepositoryRecord): Watched {
    const known = watched.get(repository.id);
    const host = hostOfUrl(repository.url);
    if (known !== undefined && known.host === host) {
      if (known.repository.branch !== repository.branch) known.signature = null;
      known.repository = repository;
      return known;
    }
    const fresh: Watched = {
      repository,
      host,
      isLocal: host === localHost,
      dueAt: repository.nextPollAt,
      failures: repository.pollFailures,
      changedAt: null,
      signature: null,
      listedAt: 0,
      defaultAskedAt: null,
      isFresh: true,
      looking: false,
    };
    watched.set(repository.id, fresh);
    return fresh;
  }

  function view(host: string): HostView {
    const { stretch, heldUntilMs, failures } = hostState(host);
    const repositories = [...watched.values()].filter(one => one.host === host).length;
    return { host, repositories, stretch, heldUntilMs: heldUntilMs || null, failures };
  }

  return {
    take,
    replace(repositories, now) {
      const ids = new Set(repositories.map(repository => repository.id));
      for (const [id, one] of watched) if (!ids.has(id) && !one.looking) watched.delete(id);
      for (const repository of repositories) {
        const wasKnown = watched.get(repository.id);
        const before = wasKnown?.repository;
        const one = take(repository);
        const isSame = before?.pollIntervalMs === repository.pollIntervalMs && before.branch === repository.branch;
        // A choice holds from now on, not from after the wait that was planned before.
        if (before !== undefined && !isSame) one.dueAt = now;
      }
      const used = new Set([...watched.values()].map(one => one.host));
      for (const host of hosts.keys()) if (!used.has(host)) hosts.delete(host);
    },
    begin(now) {
      const looks = new Map<string, number>();
      const counts = new Map<string, number>();
      let total = 0;
      const due: Watched[] = [];
      for (const one of watched.values()) {
        counts.set(one.host, (counts.get(one.host) ?? 0) + 1);
        if (one.looking) {
          looks.set(one.host, (looks.get(one.host) ?? 0) + 1);
          total += 1;
        } else if (isDue(one.dueAt, now, longestMs)) due.push(one);
      }
      due.sort((a, b) => a.dueAt - b.dueAt);
      const begun: Watched[] = [];
      for (const one of due) {
        if (total >= maxLooks) break;
        const host = hostState(one.host);
        const running = looks.get(one.host) ?? 0;
        const fitting = one.isLocal ? localSlots : slotsOf(host, counts.get(one.host) ?? 0);
        const byProgram = one.repository.vcs === 'svn' || one.host.startsWith('ssh://');
        const slots = byProgram ? Math.min(programSlots, fitting) : fitting;
        if (!isDue(host.heldUntilMs, now, longestMs) || running >= slots) continue;
        looks.set(one.host, running + 1);
        total += 1;
        one.looking = true;
        begun.push(one);
      }
      return begun;
    },
    end(one, startedAt, random) {
      one.looking = false;
      const now = pace(one, startedAt);
      const spread = one.isFresh && one.failures === 0;
      one.dueAt = startedAt + (spread ? Math.round(paceMs(now) * random) : nextLookMs(now, one.failures, random));
      one.isFresh = false;
    },
    hostOf: one => hostState(one.host),
    setHost(one, state) {
      hosts.set(one.host, state);
    },
    hurry(host, now) {
      for (const one of watched.values())
        if (one.host === host && one.failures > 0) one.dueAt = Math.min(one.dueAt, now);
    },
    pollsUntil(host, now, untilMs) {
      let polls = 0;
      for (const one of watched.values()) {
        if (one.host === host) polls += (untilMs - now) / (one.repository.pollIntervalMs ?? intervalMs);
      }
      return polls;
    },
    paceOf(repositoryId, now) {
      const one = watched.get(repositoryId);
      return one === undefined ? null : { paceMs: paceMs(pace(one, now)), host: view(one.host) };
    },
    hosts: () => [...new Set([...watched.values()].map(one => one.host))].sort().map(view),
  };
}
