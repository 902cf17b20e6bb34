/** Where places, arcs, pins and labels lie on the map. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { overlap, placeLabels, spreadPins } from '../../../../src-renderer/views/regions/label-placement.ts';
import {
  arcBetween,
  graticulePath,
  landPath,
  mapSize,
  project,
} from '../../../../src-renderer/views/regions/map-projection.ts';

describe('project', () => {
  it('keeps the order of the world', () => {
    const [oregon, virginia, saoPaulo, frankfurt, tokyo, sydney] = [
      project(45.6, -121.2),
      project(38.9, -77.4),
      project(-23.5, -46.6),
      project(50.1, 8.7),
      project(35.7, 139.7),
      project(-33.9, 151.2),
    ];
    expect(oregon.x).toBeLessThan(virginia.x);
    expect(virginia.x).toBeLessThan(saoPaulo.x);
    expect(saoPaulo.x).toBeLessThan(frankfurt.x);
    expect(frankfurt.x).toBeLessThan(tokyo.x);
    expect(frankfurt.y).toBeLessThan(tokyo.y);
    expect(tokyo.y).toBeLessThan(sydney.y);
  });

  it('keeps every place inside the frame', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -90, max: 90, noNaN: true }),
        fc.double({ min: -180, max: 180, noNaN: true }),
        (latitude, longitude) => {
          const { x, y } = project(latitude, longitude);
          expect(x).toBeGreaterThan(0);
          expect(x).toBeLessThan(mapSize.width);
          expect(y).toBeGreaterThan(0);
          expect(y).toBeLessThan(mapSize.height);
        },
      ),
    );
  });
});

describe('the shapes', () => {
  it('draws land without Antarctica, and a grid', () => {
    expect(landPath().length).toBeGreaterThan(10_000);
    expect(graticulePath()).toMatch(/^M/);
    const lowest = Math.max(...[...landPath().matchAll(/,(-?[\d.]+)/g)].map(match => Number(match[1])));
    expect(lowest).toBeLessThan(mapSize.height + 20);
  });
});

describe('arcBetween', () => {
  it('cuts the arc where the copy is', () => {
    const arc = arcBetween({ x: 0, y: 100 }, { x: 100, y: 100 }, 0.5);
    expect(arc.head.x).toBeCloseTo(50);
    expect(arc.head.y).toBeLessThan(100);
    expect(arc.angle).toBeCloseTo(0);
    expect(arc.done.startsWith('M0,100')).toBe(true);
    expect(arc.ahead.endsWith('100,100')).toBe(true);
  });

  it('bows upwards whichever way it goes, and survives a copy to the same place', () => {
    expect(arcBetween({ x: 100, y: 100 }, { x: 0, y: 100 }, 0.5).head.y).toBeLessThan(100);
    expect(arcBetween({ x: 5, y: 50 }, { x: 5, y: 50 }, Number.NaN).done).not.toContain('NaN');
  });
});

describe('placeLabels', () => {
  const frame = { width: 700, height: 400 };
  const label = (id: string, x: number, y: number) => ({ id, at: { x, y }, width: 70, height: 28 });

  it('covers nothing where there is room', () => {
    const placed = placeLabels(
      [label('a', 300, 200), label('b', 330, 205), label('c', 310, 240), label('d', 690, 200)],
      frame,
    );
    for (const one of placed) {
      for (const other of placed) if (one.id !== other.id) expect(overlap(one.box, other.box)).toBe(0);
      expect(one.box.right).toBeLessThanOrEqual(frame.width);
    }
    expect(placed.map(one => one.id)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('gives every label a place, however crowded', () => {
    const many = Array.from({ length: 40 }, (_, index) => label(String(index), 350 + (index % 7), 200 + (index % 5)));
    expect(placeLabels(many, frame)).toHaveLength(40);
  });
});

describe('spreadPins', () => {
  it('parts pins of the same place and leaves others alone', () => {
    const [a, b, c, far] = spreadPins([
      { x: 100, y: 100 },
      { x: 100, y: 100 },
      { x: 104, y: 100 },
      { x: 300, y: 100 },
    ]);
    if (!a || !b || !c) throw new Error('a pin was lost');
    for (const [one, other] of [
      [a, b],
      [b, c],
      [a, c],
    ] as const) {
      expect(Math.hypot(one.x - other.x, one.y - other.y)).toBeGreaterThan(20);
    }
    expect(far).toEqual({ x: 300, y: 100 });
  });
});
