/** Owns what a command is, and which of many a person means. Knows no view. */

export interface Command {
  /** `noun.verb`, unique. */
  readonly id: string;
  readonly title: string;
  /** Heading in the palette. */
  readonly group: 'Do' | 'Go to' | 'Repositories' | 'Jobs' | 'Regions' | 'Machines';
  /** Keys: `Mod+K` together, `G O` one after the other; null without. */
  readonly shortcut: string | null;
  /** Quieter words beside the title; searched too. */
  readonly detail?: string;
  readonly isEnabled: () => boolean;
  readonly run: () => void;
}

/** How well a text matches a query, higher is better; null where it does not. Every word must occur. */
export function matchScore(query: string, text: string): number | null {
  const subject = text.toLowerCase();
  let score = 0;
  for (const word of query.toLowerCase().split(/\s+/).filter(Boolean)) {
    const at = subject.indexOf(word);
    if (at < 0) return null;
    const startsWord = at === 0 || /[\s\-_/.:]/.test(subject[at - 1] ?? '');
    score += (at === 0 ? 3 : startsWord ? 2 : 1) + word.length / subject.length;
  }
  return score;
}

/** Keeps each group together, in the order in which the groups first occur. */
function grouped(commands: readonly Command[]): readonly Command[] {
  const groups = [...new Set(commands.map(command => command.group))];
  return groups.flatMap(group => commands.filter(command => command.group === group));
}

/** The enabled commands that match, best first, by group; all of them, in their own order, for an empty query. */
export function findCommands(commands: readonly Command[], query: string, most = 60): readonly Command[] {
  const enabled = commands.filter(command => command.isEnabled());
  if (query.trim() === '') return grouped(enabled.slice(0, most));
  const found = enabled
    .map((command, order) => {
      const inTitle = matchScore(query, command.title);
      const anywhere = matchScore(query, `${command.title} ${command.detail ?? ''} ${command.group}`);
      return { command, order, score: inTitle === null ? anywhere : inTitle + 1 };
    })
    .filter(item => item.score !== null)
    .sort((left, right) => (right.score ?? 0) - (left.score ?? 0) || left.order - right.order)
    .slice(0, most);
  return grouped(found.map(item => item.command));
}

/** A key press as it is written in a shortcut: `Mod+K`, `G`, `?`. Null for keys that are only modifiers. */
export function keyName(event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'>): string | null {
  if (['Control', 'Meta', 'Alt', 'Shift'].includes(event.key)) return null;
  const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  return `${event.ctrlKey || event.metaKey ? 'Mod+' : ''}${event.altKey ? 'Alt+' : ''}${key}`;
}

/** The command of the keys pressed so far, or whether more keys could make one. */
export function matchShortcut(
  commands: readonly Command[],
  keys: readonly string[],
): { readonly command: Command | null; readonly prefix: boolean } {
  const typed = keys.join(' ');
  const enabled = commands.filter(command => command.shortcut !== null && command.isEnabled());
  const command = enabled.find(item => item.shortcut === typed) ?? null;
  return { command, prefix: !command && enabled.some(item => item.shortcut?.startsWith(`${typed} `)) };
}

/** A shortcut for people: `Ctrl K`, `⌘ K`, `G O`. */
export function shortcutWords(shortcut: string, mac: boolean): string {
  return shortcut.replace('Mod+', mac ? '⌘ ' : 'Ctrl ').replace('Alt+', mac ? '⌥ ' : 'Alt ');
}
