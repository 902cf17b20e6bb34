/** Owns what a caller of the API is told of an error. */
import { ORPCError } from '@orpc/server';
import { DomainError } from '../../contract/errors.ts';
import type { Engine } from '../../engine.ts';

/** HTTP statuses for scripts; the code in the body says more. */
function statusOf(error: DomainError): number {
  if (error.code === 'not_found') return 404;
  if (error.code === 'conflict') return 409;
  if (error.code === 'internal') return 500;
  if (error.code === 'api.unauthorized') return 401;
  return 422;
}

/** What a caller is told of an error: a DomainError as it is, anything else as an incident with an id that is in the log. */
export function toWire(engine: Engine, error: unknown): ORPCError<string, unknown> {
  if (error instanceof DomainError) {
    return new ORPCError(error.code, { status: statusOf(error), message: error.message, data: error.toView() });
  }
  if (error instanceof ORPCError && error.code === 'BAD_REQUEST') {
    const view = invalidInput(error);
    return new ORPCError(view.code, { status: 400, message: view.message, data: view.toView() });
  }
  if (error instanceof ORPCError && error.status < 500) return error;
  const incident = crypto.randomUUID().slice(0, 8);
  engine.logger.error('api.failed', { incident, error, cause: error instanceof Error ? error.cause : null });
  const view = new DomainError(
    'internal',
    `Slipway met an error of its own (incident ${incident}). The log has the details.`,
    {
      incident,
    },
  );
  return new ORPCError(view.code, { status: 500, message: view.message, data: view.toView() });
}

/** Validation names the first field that does not fit, and why. */
function invalidInput(error: ORPCError<string, unknown>): DomainError {
  const issues = (error.data as { issues?: { path?: PropertyKey[]; message: string }[] } | undefined)?.issues ?? [];
  const [first] = issues;
  const field = first?.path?.map(String).join('.') ?? '';
  return new DomainError(
    'input.invalid',
    first ? `${field ? `${field}: ` : ''}${first.message}.` : 'The request does not have the expected form.',
    { fields: issues.map(issue => ({ field: issue.path?.map(String).join('.') ?? '', message: issue.message })) },
  );
}
