/** Owns listening for shortcuts, one key or several in a row, outside of fields and dialogs. */
import { keyName, matchShortcut } from './command.ts';
import { commandStore } from './registry.ts';

/** Keys of a row must follow each other within this time. */
const rowMs = 1_200;

function typesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName) || target.role === 'combobox';
}

/** Runs commands by their shortcuts until the returned function is called. */
export function startShortcuts(): () => void {
  let keys: string[] = [];
  let lastAtMs = 0;
  const press = (event: KeyboardEvent) => {
    const name = keyName(event);
    if (name === null || event.defaultPrevented || event.isComposing) return;
    const held = name.startsWith('Mod+') || name.startsWith('Alt+');
    if (!held && (typesText(event.target) || document.querySelector('[role=listbox],[role=menu]'))) return;
    keys = event.timeStamp - lastAtMs < rowMs ? [...keys, name] : [name];
    lastAtMs = event.timeStamp;
    let found = matchShortcut(commandStore.getState().commands, keys);
    if (!found.command && !found.prefix && keys.length > 1) {
      keys = [name];
      found = matchShortcut(commandStore.getState().commands, keys);
    }
    if (found.command) {
      keys = [];
      event.preventDefault();
      found.command.run();
    } else if (!found.prefix) {
      keys = [];
    }
  };
  document.addEventListener('keydown', press);
  return () => document.removeEventListener('keydown', press);
}
