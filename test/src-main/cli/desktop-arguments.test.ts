import { describe, expect, it } from 'vitest';
import { parseDesktopArguments } from '../../../src-main/cli/desktop-arguments.ts';

describe('parseDesktopArguments', () => {
  it('has a default for everything', () => {
    expect(parseDesktopArguments([])).toEqual({ data: undefined, port: 0, hidden: false, plainKey: false, link: null });
  });

  it('reads its own options among those of Chromium', () => {
    expect(
      parseDesktopArguments([
        '--ozone-platform=wayland',
        '--data',
        '/srv/a',
        '--port=4000',
        '--disable-gpu',
        '--plain-key',
      ]),
    ).toEqual({ data: '/srv/a', port: 4000, hidden: false, plainKey: true, link: null });
  });

  it.each([[['--data']], [['--data=']], [['--port', 'x']], [['--port=']], [['--port', '70000']], [['--port', '-1']]])(
    'refuses %j',
    args => {
      expect(() => parseDesktopArguments(args)).toThrow(expect.objectContaining({ code: 'input.invalid' }));
    },
  );
});
