/** Owns how JSON is kept in a text column. */
import type { z } from 'zod';
import { errorViewSchema } from '../contract/error-schemas.ts';
import type { DomainError, ErrorView } from '../contract/errors.ts';

/** The value of a column that holds `Shape`, or null. What we wrote ourselves is still parsed: the file may be from another version. */
export function fromJson<Shape extends z.ZodType>(shape: Shape, text: string | null): z.output<Shape> | null {
  return text === null ? null : shape.parse(JSON.parse(text));
}

export function errorFromJson(text: string | null): ErrorView | null {
  return fromJson(errorViewSchema, text);
}

export function errorToJson(error: DomainError | ErrorView): string {
  return JSON.stringify('toView' in error ? error.toView() : error);
}
