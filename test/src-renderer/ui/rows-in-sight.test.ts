import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { afterEach, expect, it, vi } from 'vitest';
import { Spacer, useRowsInSight } from '../../../src-renderer/ui/rows-in-sight.tsx';

const rowHeight = 45;

function Rows({ count }: { readonly count: number }) {
  const sight = useRowsInSight(count, rowHeight);
  const space = (height: number) => createElement(Spacer, { height, columns: 1 });
  const rows = sight.indexes.map(index => createElement('tr', { key: index, 'data-index': index }));
  return createElement('tbody', { ref: sight.body }, space(sight.before), rows, space(sight.after));
}

const drawn = (count: number) => {
  const html = renderToStaticMarkup(createElement(Rows, { count }));
  const heights = [...html.matchAll(/height:(\d+)px/g)].map(([, height]) => Number(height));
  return { rows: html.match(/data-index/g)?.length ?? 0, space: heights.reduce((sum, height) => sum + height, 0) };
};

afterEach(() => vi.unstubAllGlobals());

it('draws a short table whole, and of a long one what a window holds, with space for the rest', () => {
  vi.stubGlobal('innerHeight', 900);
  expect(drawn(0)).toEqual({ rows: 0, space: 0 });
  expect(drawn(60)).toEqual({ rows: 60, space: 0 });
  const long = drawn(10_000);
  expect(long.rows).toBeGreaterThanOrEqual(900 / rowHeight);
  expect(long.rows).toBeLessThan(60);
  expect(long.space).toBe((10_000 - long.rows) * rowHeight);
});
