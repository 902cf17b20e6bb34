/** Owns the one bridge into the page: it hands over a MessagePort to the engine, and gives the page nothing of Node or Electron. */
import { ipcRenderer } from 'electron';
import { portMessage, portRequestMessage } from './desktop/port-messages.ts';

window.addEventListener('message', event => {
  if (event.source === window && event.data === portRequestMessage) ipcRenderer.send(portRequestMessage);
});

ipcRenderer.on(portMessage, event => {
  window.postMessage(portMessage, '*', event.ports);
});
