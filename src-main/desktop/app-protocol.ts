/** Owns the scheme `app:` in Electron. Which file answers what is in host/interface-files.ts. */
import { protocol } from 'electron';
import { interfaceScheme } from '../host/interface-address.ts';
import type { InterfaceFiles } from '../host/interface-files.ts';

/** To be called before the app is ready. `standard` gives the pages an origin, so that nothing else shares it. */
export function registerInterfaceScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: interfaceScheme, privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ]);
}

/** To be called once, after the app is ready. */
export function serveInterface(files: InterfaceFiles): void {
  protocol.handle(interfaceScheme, request => files.answer(request));
}
