/** Owns the native menus, built from the page's own commands, and the short ones on the dock and the taskbar. */
import { app, Menu, type MenuItemConstructorOptions } from 'electron';
import type { MenuCommand } from '../contract/shell.ts';

/** The page hears the keys itself; the menu only names them. Single keys in a row are no accelerator. */
function acceleratorOf(shortcut: string | null): Partial<MenuItemConstructorOptions> {
  if (!shortcut?.startsWith('Mod+')) return {};
  return { accelerator: shortcut.replace('Mod+', 'CmdOrCtrl+'), registerAccelerator: false };
}

/** Sets the menus anew; `run` starts a command in the page. Without commands, only what the system needs. */
export function setAppMenu(
  commands: readonly MenuCommand[],
  run: (commandId: string) => void,
  onQuit: () => void,
): void {
  const menuOf = (group: MenuCommand['group']): MenuItemConstructorOptions[] => {
    const items = commands
      .filter(command => command.group === group)
      .map(command => ({
        label: command.title.replaceAll('&', '&&'),
        enabled: command.enabled,
        ...acceleratorOf(command.shortcut),
        click: () => run(command.id),
      }));
    return items.length > 0 ? [{ label: group, submenu: items }] : [];
  };
  const quit: MenuItemConstructorOptions = { label: 'Quit', accelerator: 'CmdOrCtrl+Q', click: onQuit };
  Menu.setApplicationMenu(
    Menu.buildFromTemplate([
      { label: 'Slipway', submenu: [{ label: 'Close window', role: 'close' }, { type: 'separator' }, quit] },
      // macOS knows copy and paste by the roles of this menu alone.
      { role: 'editMenu' },
      ...menuOf('Do'),
      ...menuOf('Go to'),
      { role: 'windowMenu' },
    ]),
  );
}

/** The dock's menu on macOS and the jump list on Windows: the views by their own links. */
export function setQuickMenus(show: (hash: string) => void): void {
  const views = [
    { title: 'Overview', hash: '#/overview' },
    { title: 'Jobs', hash: '#/jobs' },
    { title: 'Machines', hash: '#/machines' },
  ];
  app.dock?.setMenu(
    Menu.buildFromTemplate(views.map(({ title, hash }) => ({ label: title, click: () => show(hash) }))),
  );
  if (process.platform !== 'win32') return;
  const task = { program: process.execPath, iconPath: process.execPath, iconIndex: 0 };
  app.setUserTasks([{ ...task, arguments: '', title: 'Open Slipway', description: 'Show the window' }]);
}
