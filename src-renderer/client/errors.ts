/** Owns turning whatever a call threw into a DomainError that a view can show. */
import { ORPCError } from '@orpc/client';
import { errorViewSchema } from '../../src-main/contract/error-schemas.ts';
import { DomainError, messageOf } from '../../src-main/contract/errors.ts';

/** The error of a call. Errors of the engine keep code, message and details; everything else becomes `internal`. */
export function toDomainError(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  if (error instanceof ORPCError) {
    const view = errorViewSchema.safeParse(error.data);
    if (view.success) return DomainError.fromView(view.data);
    if (error.code === 'BAD_REQUEST') return new DomainError('input.invalid', inputMessage(error.data), {});
    return new DomainError('internal', `The engine could not answer: ${error.message}.`);
  }
  if (error instanceof Error && error.name === 'AbortError') return offlineError();
  return new DomainError('internal', messageOf(error), {}, { cause: error });
}

/** The first issue that the contract's validation found, with its field. */
function inputMessage(data: unknown): string {
  const issues = data !== null && typeof data === 'object' && 'issues' in data ? data.issues : null;
  const first: unknown = Array.isArray(issues) ? issues[0] : null;
  if (first !== null && typeof first === 'object' && 'message' in first) {
    const path = 'path' in first && Array.isArray(first.path) ? first.path.join('.') : '';
    return path ? `${path}: ${String(first.message)}` : String(first.message);
  }
  return 'The engine refused these values.';
}

/** The error of a call made without a connection. */
export function offlineError(): DomainError {
  return new DomainError(
    'host.not_running',
    'There is no connection to the engine. The page catches up when it is back.',
  );
}
