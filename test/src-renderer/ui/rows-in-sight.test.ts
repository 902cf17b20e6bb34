import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { afterEach, expect, it, vi } from 'vitest';
import { BodyInSight, type RowInSightProps } from '../../../src-renderer/ui/rows-in-sight.tsx';

const rowHeight = 45;

const Row = ({ index }: RowInSightProps<{ readonly id: string }>) => createElement('tr', { 'data-index': index });

const drawn = (count: number) => {
  const rows = Array.from({ length: count }, (_, index) => ({ id: String(index) }));
  const html = renderToStaticMarkup(createElement(BodyInSight, { rows, rowHeight, columns: 1, Row }));
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
