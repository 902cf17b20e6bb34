/** Owns the one bridge into the page: messages of contract/shell.ts and a MessagePort to the engine. Nothing of Node or Electron passes it. */
import { contextBridge, ipcRenderer, webUtils } from 'electron';
import type { FromPage, ShellBridge, ToPage } from './contract/shell.ts';
import { bridgeName, portMessage, shellChannel } from './contract/shell-channel.ts';

const send = (message: FromPage) => ipcRenderer.send(shellChannel, message);
const bridge: ShellBridge = {
  send,
  onMessage: listener => void ipcRenderer.on(shellChannel, (_event, message: ToPage) => listener(message)),
};
contextBridge.exposeInMainWorld(bridgeName, bridge);

// A port cannot pass the bridge; the page's own window hands it over.
ipcRenderer.on(portMessage, event => window.postMessage(portMessage, '*', event.ports));

// Only here is the path of a file known. What is no file falls on the page itself.
window.addEventListener('dragover', event => event.dataTransfer?.types.includes('Files') && event.preventDefault());
window.addEventListener('drop', event => {
  const file = event.dataTransfer?.files[0];
  if (!file) return;
  event.preventDefault();
  const path = webUtils.getPathForFile(file);
  if (path !== '') send({ type: 'dropped', path });
});
