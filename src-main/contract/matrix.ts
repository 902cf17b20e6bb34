/**
 * Owns the shape of a step's matrix. All combinations run in the one job of a revision: a worker has one platform, a job makes one
 * artifact, and a build per platform needs workers on other machines, not more variables.
 */
import { z } from 'zod';
import { variableNameSchema } from './environment.ts';

const matrixHint = 'write a list of values, such as [20, 22]';
const withoutControl = /^\P{Cc}*$/u;
const matrixValueSchema = z
  .union([z.string(), z.number(), z.boolean()], { error: 'write a text, a number, true or false' })
  .transform(String)
  .pipe(
    z
      .string()
      .min(1, 'a value cannot be empty')
      .max(200, 'a value has at most 200 characters')
      .regex(withoutControl, 'a value is one line of plain text'),
  );

/** Of all steps of a file together: all of them run one after another in one job. */
export const maxCombinations = 64;

export const matrixSchema = z
  .object({
    exclude: z
      .array(z.record(z.string(), matrixValueSchema).describe('Values of some variables.'))
      .max(maxCombinations)
      .optional()
      .describe('Combinations that are left out; each may name some of the variables.'),
  })
  .catchall(
    z
      .array(matrixValueSchema, { error: matrixHint })
      .min(1, 'name at least one value')
      .max(maxCombinations)
      .describe('The values of this variable.'),
  )
  .describe('Variables with lists of values: the step is run once for each combination, one after another.');

export type PipelineMatrix = z.infer<typeof matrixSchema>;

/** What is wrong although each part is right. */
export interface Contradiction {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** The variables of a matrix with their values, as they are written. */
export function axesOf(matrix: PipelineMatrix): [string, readonly string[]][] {
  const { exclude: _exclude, ...axes } = matrix;
  return Object.entries(axes);
}

/** Every combination that is not excluded, the last variable changing fastest. */
export function combinationsOf(matrix: PipelineMatrix): Readonly<Record<string, string>>[] {
  let all: Record<string, string>[] = [{}];
  for (const [name, values] of axesOf(matrix)) {
    all = all.flatMap(before => values.map(value => ({ ...before, [name]: value })));
  }
  const { exclude = [] } = matrix;
  return all.filter(
    values => !exclude.some(left => Object.entries(left).every(([name, value]) => values[name] === value)),
  );
}

/** How many combinations there are before any is excluded. */
export function combinationCount(matrix: PipelineMatrix): number {
  return axesOf(matrix).reduce((product, [, values]) => product * values.length, 1);
}

/** What does not fit together in a matrix, its step's own variables and the file's secrets; paths are below the matrix. */
export function matrixContradictions(
  matrix: PipelineMatrix,
  env: Readonly<Record<string, string>>,
  secrets: readonly string[],
): Contradiction[] {
  const found: Contradiction[] = [];
  const axes = new Map(axesOf(matrix));
  if (axes.size === 0) found.push({ path: [], message: 'name at least one variable with its values' });
  for (const [name, values] of axes) {
    const problem = variableNameSchema.safeParse(name).error?.issues[0]?.message;
    if (problem !== undefined) found.push({ path: [name], message: `"${name}": ${problem}` });
    if (env[name] !== undefined) found.push({ path: [name], message: `"${name}" is also set in the step's env` });
    if (secrets.includes(name)) found.push({ path: [name], message: `"${name}" is also a secret` });
    const twice = values.findIndex((value, index) => values.indexOf(value) !== index);
    if (twice >= 0) found.push({ path: [name, twice], message: `"${values[twice]}" is there twice` });
  }
  for (const [index, excluded] of (matrix.exclude ?? []).entries()) {
    for (const [name, value] of Object.entries(excluded)) {
      const values = axes.get(name);
      if (values === undefined) {
        found.push({ path: ['exclude', index, name], message: `the matrix has no variable "${name}"` });
      } else if (!values.includes(value)) {
        found.push({ path: ['exclude', index, name], message: `"${value}" is no value of "${name}"` });
      }
    }
  }
  const count = combinationCount(matrix);
  if (found.length === 0 && count > 0 && count <= maxCombinations && combinationsOf(matrix).length === 0) {
    found.push({ path: ['exclude'], message: 'every combination is left out' });
  }
  return found;
}
