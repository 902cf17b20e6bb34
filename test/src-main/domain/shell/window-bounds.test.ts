import { describe, expect, it } from 'vitest';
import { boundsOnScreen, windowStateSchema } from '../../../../src-main/domain/shell/window-bounds.ts';

const laptop = { x: 0, y: 25, width: 1440, height: 875 };
const beside = { x: 1440, y: 0, width: 2560, height: 1440 };
const kept = { x: 1600, y: 100, width: 1280, height: 820 };

describe('boundsOnScreen', () => {
  it('keeps a window that is still on a screen', () => {
    expect(boundsOnScreen(kept, [laptop, beside])).toEqual(kept);
  });

  it('forgets a place whose screen has gone, or whose title bar cannot be reached', () => {
    expect(boundsOnScreen(kept, [laptop])).toBeNull();
    expect(boundsOnScreen({ ...kept, x: 100, y: -400 }, [laptop])).toBeNull();
    expect(boundsOnScreen({ ...kept, x: 1_400, y: 100 }, [laptop])).toBeNull();
    expect(boundsOnScreen(kept, [])).toBeNull();
  });

  it('makes a window no larger than the screen that shows it', () => {
    const large = { x: 10, y: 30, width: 2_400, height: 1_300 };
    expect(boundsOnScreen(large, [laptop])).toEqual({ x: 10, y: 30, width: 1440, height: 875 });
  });

  it('takes no file that is not ours', () => {
    const state = { ...kept, maximized: false, toldOfTray: true };
    expect(windowStateSchema.safeParse(state).success).toBe(true);
    for (const wrong of [{ width: 10 }, { x: 1e9 }, { y: 0.5 }, { maximized: 'no' }, { height: null }]) {
      expect(windowStateSchema.safeParse({ ...state, ...wrong }).success, JSON.stringify(wrong)).toBe(false);
    }
  });
});
