/** Owns which combinations of a GitHub Actions matrix a pipeline runs: those of the axes that something can see. */
import { z } from 'zod';

const maxCombinations = 50;
const scalarSchema = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const excludedSchema = z.array(z.record(z.string(), scalarSchema));

type Combination = Readonly<Record<string, string>>;
type Miss = (axis: readonly string[], what: string, why: string) => void;

/**
 * The combinations that are run: one empty one where nothing sees an axis. `seen` is the text of all that may name one; what is
 * left behind goes to `miss`.
 */
export function combinationsOf(raw: unknown, seen: string, miss: Miss): Combination[] {
  const matrix = z.record(z.string(), z.unknown()).safeParse(raw);
  if (!matrix.success) {
    if (raw !== undefined) miss([], 'matrix', 'its values are only known to GitHub');
    return [{}];
  }
  const { include, exclude, ...axes } = matrix.data;
  if (include !== undefined) miss(['include'], 'include of the matrix', 'what it adds is not run');
  let combinations: Combination[] = [{}];
  const taken = new Set<string>();
  for (const [axis, values] of Object.entries(axes)) {
    const list = z.array(scalarSchema).min(1).safeParse(values);
    if (!list.success) miss([axis], `${axis} of the matrix`, 'its values are no plain list');
    else if (!seen.includes(`matrix.${axis}`)) {
      miss([axis], `${axis} of the matrix (${list.data.join(', ')})`, 'no command uses it');
    } else if (combinations.length * list.data.length > maxCombinations) {
      miss([axis], `${axis} of the matrix`, `there would be more than ${maxCombinations} combinations`);
    } else {
      taken.add(axis);
      combinations = combinations.flatMap(before => list.data.map(value => ({ ...before, [axis]: value })));
    }
  }
  return exclude === undefined ? combinations : without(combinations, exclude, taken, miss);
}

/** An exclusion that names an axis which is not taken leaves the others of that axis, so nothing is left out for it. */
function without(combinations: Combination[], exclude: unknown, taken: ReadonlySet<string>, miss: Miss): Combination[] {
  const excluded = excludedSchema.safeParse(exclude);
  const isKnown = (one: Combination) => Object.keys(one).every(axis => taken.has(axis));
  if (!excluded.success || !excluded.data.every(isKnown)) {
    miss(['exclude'], 'exclude of the matrix', 'it names what is not taken over, so that more may be run');
  }
  const left = (excluded.data ?? []).filter(isKnown);
  return combinations.filter(
    values => !left.some(one => Object.entries(one).every(([axis, value]) => values[axis] === value)),
  );
}
