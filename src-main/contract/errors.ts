/**
 * Owns the closed list of error codes and the one error type that crosses process boundaries. Its schemas are in error-schemas.ts: this
 * file is loaded by threads that live for less time than a schema's library takes to load.
 */

/** Who may try again: the engine by itself, a person after a change, or nobody. */
export type Retry = 'automatic' | 'user' | 'never';

/** Every code with its retry policy. Adapters translate library errors to one of these; anything else is a bug. */
export const errorCodes = {
  'input.invalid': 'user',
  not_found: 'user',
  conflict: 'user',
  'api.unauthorized': 'user',
  internal: 'user',

  'host.port_in_use': 'user',
  'host.not_running': 'user',
  'data.locked': 'user',
  'data.newer_version': 'user',
  'data.unwritable': 'user',
  'data.corrupt': 'user',
  'data.busy': 'automatic',
  'backup.damaged': 'user',

  'git.url_invalid': 'user',
  'git.not_found': 'user',
  'git.auth_failed': 'user',
  'git.host_key_changed': 'user',
  'git.unreachable': 'automatic',
  'git.branch_missing': 'user',
  'git.empty': 'automatic',
  'git.revision_missing': 'user',
  'git.timeout': 'automatic',
  'git.rate_limited': 'automatic',
  'git.protocol': 'automatic',
  'source.refused': 'user',
  'source.too_large': 'user',

  'pipeline.invalid': 'user',
  'plan.nothing_detected': 'user',
  'cache.full': 'automatic',
  'cache.unsafe_path': 'user',
  'toolchain.missing': 'user',
  'toolchain.version': 'user',
  'step.failed': 'user',
  'step.timeout': 'user',
  'step.memory': 'user',
  'step.disk': 'user',
  'step.processes': 'user',
  'isolation.missing': 'user',
  'isolation.refused': 'user',
  'isolation.limit_unsupported': 'user',
  'job.cancelled': 'user',
  'job.fenced': 'never',
  'worker.lost': 'automatic',
  'worker.crash_loop': 'automatic',

  'artifact.empty': 'user',
  'artifact.unsafe_path': 'user',
  'artifact.unsupported_file': 'user',
  'artifact.digest_mismatch': 'automatic',
  'artifact.malformed': 'never',
  'artifact.too_large': 'user',
  'artifact.reclaimed': 'user',

  'store.url_invalid': 'user',
  'store.unreachable': 'automatic',
  'store.not_found': 'automatic',
  'store.forbidden': 'user',
  'store.full': 'automatic',
  'store.precondition_failed': 'automatic',
  'store.malformed': 'user',

  'trust.untrusted': 'user',
  'trust.signature_invalid': 'never',
  'trust.rollback_refused': 'never',
  'trust.expired': 'automatic',
  'trust.platform_mismatch': 'user',
  'trust.pairing_failed': 'user',

  'release.not_descendant': 'user',
  'release.replica_unverified': 'user',
  'release.paused': 'user',
  'release.frozen': 'user',
  'release.migrating': 'user',
  'release.serial_taken': 'automatic',
  'release.not_kept': 'user',
  'release.restored': 'automatic',
  'release.environment_pending': 'automatic',

  'agent.health_failed': 'user',
  'agent.start_failed': 'user',
  'agent.disk_full': 'automatic',
  'agent.migration_failed': 'user',
  'agent.migration_interrupted': 'user',
  'agent.migration_lock': 'automatic',
  'agent.superseded': 'automatic',
  'agent.held': 'automatic',

  'swarm.unavailable': 'automatic',
  'swarm.tracker_failed': 'automatic',
  'swarm.no_source': 'user',
  'secret.key_unreadable': 'user',
  'secret.key_wrapped': 'user',
  'secret.missing': 'user',
} as const satisfies Record<string, Retry>;

export type ErrorCode = keyof typeof errorCodes;

/** An error as it travels: no stack, ever. */
export interface ErrorView {
  code: ErrorCode;
  message: string;
  details: Record<string, unknown>;
  retry: Retry;
}

/** An expected failure. `message` says what happened, to what, and what the reader can do. */
export class DomainError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;
  readonly retry: Retry;

  constructor(code: ErrorCode, message: string, details: Record<string, unknown> = {}, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'DomainError';
    this.code = code;
    this.details = details;
    this.retry = errorCodes[code];
  }

  toView(): ErrorView {
    return { code: this.code, message: this.message, details: { ...this.details }, retry: this.retry };
  }

  static fromView(view: ErrorView): DomainError {
    return new DomainError(view.code, view.message, view.details);
  }
}

/** The code of an operating-system error (`ENOSPC`, `ECONNREFUSED`, …), or null. */
export function systemErrorCode(error: unknown): string | null {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return null;
}

/** One line for a person: the message of an error, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
