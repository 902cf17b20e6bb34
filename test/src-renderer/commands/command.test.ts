/** Tests finding commands by words and by keys. */
import { describe, expect, it } from 'vitest';
import { type Command, findCommands, keyName, matchShortcut } from '../../../src-renderer/commands/command.ts';

function command(title: string, more: Partial<Command> = {}): Command {
  return { id: title, title, group: 'Do', shortcut: null, isEnabled: () => true, run: () => undefined, ...more };
}

const titles = (commands: readonly Command[]) => commands.map(item => item.title);

describe('findCommands', () => {
  it('prefers the start of the title, then the start of a word', () => {
    const all = [command('Rebuild'), command('Open the builds'), command('Build now')];
    expect(titles(findCommands(all, 'build'))).toEqual(['Build now', 'Open the builds', 'Rebuild']);
  });

  it('needs every word, in title or detail', () => {
    const all = [command('Job 7', { detail: 'booking-api failed' }), command('Job 8', { detail: 'fares failed' })];
    expect(titles(findCommands(all, 'failed book'))).toEqual(['Job 7']);
    expect(findCommands(all, 'nothing')).toEqual([]);
  });

  it('leaves out what is not enabled', () => {
    expect(findCommands([command('Pause', { isEnabled: () => false })], '')).toEqual([]);
  });

  it('keeps groups together, the one with the best match first', () => {
    const all = [
      command('Build api now', { group: 'Repositories' }),
      command('api', { group: 'Jobs' }),
      command('api, the second', { group: 'Repositories' }),
    ];
    expect(titles(findCommands(all, 'api'))).toEqual(['api', 'api, the second', 'Build api now']);
  });
});

describe('matchShortcut', () => {
  const all = [command('Jobs', { shortcut: 'G J' }), command('Palette', { shortcut: 'Mod+K' })];

  it('waits for the rest of a row', () => {
    expect(matchShortcut(all, ['G'])).toEqual({ command: null, prefix: true });
    expect(matchShortcut(all, ['G', 'J']).command?.title).toBe('Jobs');
    expect(matchShortcut(all, ['G', 'X'])).toEqual({ command: null, prefix: false });
  });

  it('writes keys as shortcuts do', () => {
    const none = { ctrlKey: false, metaKey: false, altKey: false };
    expect(keyName({ ...none, key: 'k', metaKey: true })).toBe('Mod+K');
    expect(keyName({ ...none, key: 'g' })).toBe('G');
    expect(keyName({ ...none, key: 'Shift' })).toBeNull();
  });
});
