/** Owns where the window opens: as it was left, where that is still on a screen. */
import { z } from 'zod';

const coordinate = z.number().int().min(-100_000).max(100_000);
export const windowStateSchema = z.object({
  x: coordinate,
  y: coordinate,
  width: z.number().int().min(720).max(20_000),
  height: z.number().int().min(480).max(20_000),
  maximized: z.boolean(),
  /** Whether a person was told that closing is not quitting. */
  toldOfTray: z.boolean(),
});
export type WindowState = z.infer<typeof windowStateSchema>;

export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The title bar must be reachable: this much of it, from the top. */
const grip = { width: 160, height: 40 };

/** The bounds that hold: those kept, made to fit the screen that shows most of their title bar; null where no screen shows enough. */
export function boundsOnScreen(kept: Area, screens: readonly Area[]): Area | null {
  const shown = screens
    .map(screen => {
      const width = Math.min(kept.x + kept.width, screen.x + screen.width) - Math.max(kept.x, screen.x);
      const height = Math.min(kept.y + grip.height, screen.y + screen.height) - Math.max(kept.y, screen.y);
      return { screen, width, height };
    })
    .filter(({ width, height }) => width >= grip.width && height >= grip.height)
    .sort((a, b) => b.width * b.height - a.width * a.height);
  const screen = shown[0]?.screen;
  if (!screen) return null;
  const { x, y } = kept;
  return { x, y, width: Math.min(kept.width, screen.width), height: Math.min(kept.height, screen.height) };
}
