import { describe, expect, it } from 'vitest';
import { createSlicePlan } from '../../../src-main/swarm/slice-plan.ts';

const pieceCount = 100;
const ids = ['aa', 'bb', 'cc', 'dd'];

/** The pieces in the order in which the machine `id` asks a full source for them. */
function orderOf(id: string, others: readonly string[], count = pieceCount): number[] {
  const plan = createSlicePlan(count);
  plan.share(
    id,
    others.filter(other => other !== id),
  );
  return Array.from({ length: count }, (_, piece) => piece).sort((a, b) => plan.urgency(a) - plan.urgency(b));
}

describe('slices', () => {
  it('of all machines together are the whole pack, each piece once, whatever order they know each other in', () => {
    const slices = ids.map((id, index) => orderOf(id, index % 2 === 0 ? ids : ids.toReversed()).slice(0, 25));
    expect(slices.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: pieceCount }, (_, piece) => piece));
  });

  it('of a pack that cannot be shared evenly differ by one piece', () => {
    const plan = createSlicePlan(10);
    const sizes = ['aa', 'bb', 'cc'].map(id => {
      plan.share(id, ['aa', 'bb', 'cc']);
      return Array.from({ length: 10 }, (_, piece) => plan.urgency(piece)).filter(urgency => urgency < 10).length;
    });
    expect(sizes.toSorted()).toEqual([3, 3, 4]);
  });

  it('have an owner that every machine names alike', () => {
    const plans = ids.map(id => {
      const plan = createSlicePlan(pieceCount);
      plan.share(id, ids);
      return plan;
    });
    for (let piece = 0; piece < pieceCount; piece += 1) {
      const owners = plans.map(plan => plan.ownerOf(piece));
      expect(new Set(owners).size).toBe(1);
      expect(plans[ids.indexOf(owners[0] ?? '')]?.urgency(piece)).toBeLessThan(pieceCount);
    }
  });

  it('that are helped out with are begun at the end that their machine comes to last', () => {
    const own = orderOf('bb', ids).slice(0, 25);
    const helped = orderOf('aa', ids).slice(25, 50);
    expect(helped).toEqual(own.toReversed());
  });

  it('are taken in an order of their own before machines have met', () => {
    const firsts = ids.map(id => orderOf(id, [])[0]);
    expect(new Set(firsts).size).toBe(ids.length);
  });

  it('of a single piece, or of many machines for few pieces, still name every piece', () => {
    expect(orderOf('aa', ids, 1)).toEqual([0]);
    expect(orderOf('dd', ids, 3).toSorted()).toEqual([0, 1, 2]);
  });
});
