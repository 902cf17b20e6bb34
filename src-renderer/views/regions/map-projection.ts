/** Owns the world map's geometry: projection, coast lines, arcs of copies. Pure; knows no region and no pixel on screen. */
import { geoNaturalEarth1, geoPath } from 'd3-geo';
import { feature } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';
import landTopology from 'world-atlas/land-110m.json';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The map's own units; it is drawn at any size with this shape. */
export const mapSize = { width: 800, height: 496 } as const;

/**
 * Turned 11° west so that the cut lies in the Bering Strait and splits no land that people deploy to. Scaled so that the
 * ocean on both sides is cut off and the cloud locations, from Oregon to Auckland, fill the frame.
 */
const projection = geoNaturalEarth1().rotate([-11, 0]).precision(0.2).scale(174.2).translate([388.2, 277.6]);

type Land = Topology<{ land: GeometryCollection }>;

function isLand(value: unknown): value is Land {
  return (
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    value.type === 'Topology' &&
    'objects' in value &&
    typeof value.objects === 'object' &&
    value.objects !== null &&
    'land' in value.objects
  );
}

/** South of this is Antarctica, which has no cloud location and would take a fifth of the map. */
const southernEdgeDegrees = -58;

/** SVG path of the coast lines. Source: Natural Earth 1:110m (public domain), packaged by world-atlas (ISC). */
export function landPath(): string {
  if (!isLand(landTopology)) return '';
  const path = geoPath(projection).digits(1);
  const parts: string[] = [];
  for (const { geometry } of feature(landTopology, landTopology.objects.land).features) {
    const polygons =
      geometry.type === 'MultiPolygon'
        ? geometry.coordinates
        : geometry.type === 'Polygon'
          ? [geometry.coordinates]
          : [];
    for (const coordinates of polygons) {
      const north = Math.max(...(coordinates[0] ?? []).map(position => position[1] ?? -90));
      if (north > southernEdgeDegrees) parts.push(path({ type: 'Polygon', coordinates }) ?? '');
    }
  }
  return parts.join('');
}

const parallels = [60, 30, 0, -30];
const meridiansAlong = Array.from({ length: 73 }, (_, index) => -169 + index * 4.999);

/** SVG path of four parallels: enough to tell north from south. */
export function graticulePath(): string {
  const coordinates = parallels.map(latitude => meridiansAlong.map(longitude => [longitude, latitude]));
  return geoPath(projection).digits(1)({ type: 'MultiLineString', coordinates }) ?? '';
}

/** Where a place lies on the map, in map units; kept inside the frame. Latitude and longitude in degrees. */
export function project(latitude: number, longitude: number): Point {
  const projected = projection([longitude, latitude]);
  const x = projected?.[0] ?? mapSize.width / 2;
  const y = projected?.[1] ?? mapSize.height / 2;
  return { x: clamp(x, 12, mapSize.width - 12), y: clamp(y, 12, mapSize.height - 12) };
}

export interface Arc {
  /** The part that was copied. */
  readonly done: string;
  readonly ahead: string;
  /** Points along the whole way, for what should not lie over it. */
  readonly points: readonly Point[];
  readonly head: Point;
  /** Direction of travel at the head, in degrees clockwise from the right. */
  readonly angle: number;
}

const arcSteps = Array.from({ length: 23 }, (_, index) => (index + 1) / 24);

/** A copy's way from the main store to a region, bowed towards the pole; `progress` from 0 to 1. */
export function arcBetween(from: Point, to: Point, progress: number): Arc {
  const t = clamp(Number.isFinite(progress) ? progress : 0, 0.02, 0.98);
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length = Math.hypot(dx, dy);
  const lift = Math.min(length * 0.24, 86);
  const side = dx < 0 ? -1 : 1;
  const across = length === 0 ? { x: 0, y: -1 } : { x: (dy / length) * side, y: (-dx / length) * side };
  const bow = { x: (from.x + to.x) / 2 + across.x * lift, y: Math.max(8, (from.y + to.y) / 2 + across.y * lift) };
  // De Casteljau: the curve cut at t is two curves of the same kind.
  const first = between(from, bow, t);
  const second = between(bow, to, t);
  const head = between(first, second, t);
  const angle = (Math.atan2(second.y - first.y, second.x - first.x) * 180) / Math.PI;
  const points = arcSteps.map(at => between(between(from, bow, at), between(bow, to, at), at));
  return { done: curve(from, first, head), ahead: curve(head, second, to), points, head, angle };
}

function curve(from: Point, bow: Point, to: Point): string {
  return `M${round(from.x)},${round(from.y)}Q${round(bow.x)},${round(bow.y)} ${round(to.x)},${round(to.y)}`;
}

function between(a: Point, b: Point, t: number): Point {
  return { x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
