/** Owns where the map's pins and labels go so that they do not cover each other. Pure geometry in pixels. */
import type { Point } from './map-projection.ts';

export type LabelSide =
  | 'right'
  | 'left'
  | 'below'
  | 'above'
  | 'right-above'
  | 'left-above'
  | 'right-below'
  | 'left-below';

export interface LabelRequest {
  readonly id: string;
  /** The pin's centre. */
  readonly at: Point;
  readonly width: number;
  readonly height: number;
}

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface PlacedLabel {
  readonly id: string;
  readonly side: LabelSide;
  readonly box: Box;
}

const pinRadius = 11;
/** Space between a pin's edge and its label. */
const gap = 3;
/** In the order of preference: text to the right reads best, and above or below hides the least of a coast. */
const sides: readonly LabelSide[] = [
  'below',
  'right',
  'left',
  'above',
  'right-above',
  'left-above',
  'right-below',
  'left-below',
];

/** Where a label of this size lies on that side of its pin. */
export function labelBox({ at, width, height }: Omit<LabelRequest, 'id'>, side: LabelSide): Box {
  const beside = pinRadius + gap;
  const right = side.startsWith('right');
  const left = side.startsWith('left');
  const x = right ? at.x + beside : left ? at.x - beside - width : at.x - width / 2;
  const y = side.endsWith('above')
    ? at.y - (right || left ? height + 1 : beside + height)
    : side.endsWith('below')
      ? at.y + (right || left ? 1 : beside - 2)
      : at.y - height / 2;
  return { left: x, top: y, right: x + width, bottom: y + height };
}

/** What it costs to lie over a point of an arc: more than a less preferred side, less than covering another label. */
const obstacleCost = 5;

/**
 * Chooses a side for every label: the first that touches nothing, else the one that covers least.
 * `obstacles` are points that are better left free, such as those along an arc. Pins with the most neighbours choose first, since they have the least room. The same input gives the same answer.
 */
export function placeLabels(
  requests: readonly LabelRequest[],
  frame: { width: number; height: number },
  obstacles: readonly Point[] = [],
): PlacedLabel[] {
  const crowding = (request: LabelRequest) =>
    requests.filter(other => Math.hypot(other.at.x - request.at.x, other.at.y - request.at.y) < 140).length;
  const order = requests
    .map((request, index) => ({ request, index, crowd: crowding(request) }))
    .sort((a, b) => b.crowd - a.crowd || a.index - b.index);
  const pins = requests.map(request => ({ id: request.id, box: around(request.at, pinRadius) }));
  const placed: PlacedLabel[] = [];
  for (const { request } of order) {
    let best: { side: LabelSide; box: Box; cost: number } | null = null;
    for (const [rank, side] of sides.entries()) {
      const box = labelBox(request, side);
      const cost =
        rank +
        pins.reduce((sum, pin) => sum + (pin.id === request.id ? 0 : overlap(box, pin.box) * 2), 0) +
        placed.reduce((sum, other) => sum + overlap(box, other.box) * 2, 0) +
        obstacles.reduce((sum, point) => sum + (holds(box, point) ? obstacleCost : 0), 0) +
        outside(box, frame) * 8;
      if (!best || cost < best.cost) best = { side, box, cost };
    }
    if (best) placed.push({ id: request.id, side: best.side, box: best.box });
  }
  return requests.flatMap(request => placed.filter(label => label.id === request.id));
}

/** Moves pins apart that would cover each other: regions of one city, or the main store's own. In pixels. */
export function spreadPins(points: readonly Point[], distance = pinRadius * 2): Point[] {
  const moved = points.map(point => ({ ...point }));
  for (let pass = 0; pass < 24; pass++) {
    let touched = false;
    for (let i = 0; i < moved.length; i++) {
      for (let j = i + 1; j < moved.length; j++) {
        const a = moved[i];
        const b = moved[j];
        if (!a || !b) continue;
        const apart = Math.hypot(b.x - a.x, b.y - a.y);
        if (apart >= distance) continue;
        touched = true;
        // Pins of the very same place part along an angle of their own, so that three make a triangle.
        const angle = apart < 0.01 ? (j * 2.4) % (Math.PI * 2) : Math.atan2(b.y - a.y, b.x - a.x);
        const push = (distance - apart) / 2 + 0.1;
        a.x -= Math.cos(angle) * push;
        a.y -= Math.sin(angle) * push;
        b.x += Math.cos(angle) * push;
        b.y += Math.sin(angle) * push;
      }
    }
    if (!touched) break;
  }
  return moved;
}

/** Shared area of two boxes, in square pixels. */
export function overlap(a: Box, b: Box): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}

function outside(box: Box, frame: { width: number; height: number }): number {
  return (
    Math.max(0, -box.left) +
    Math.max(0, -box.top) +
    Math.max(0, box.right - frame.width) +
    Math.max(0, box.bottom - frame.height)
  );
}

function holds(box: Box, { x, y }: Point): boolean {
  return x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
}

function around(at: Point, radius: number): Box {
  return { left: at.x - radius, top: at.y - radius, right: at.x + radius, bottom: at.y + radius };
}
