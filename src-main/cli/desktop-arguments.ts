/** Owns what the desktop app understands of its command line. Chromium's own switches pass by. */
import { parseArgs } from 'node:util';
import { DomainError } from '../contract/errors.ts';
import { deepLinkIn } from '../domain/shell/deep-link.ts';

export interface DesktopOptions {
  /** As given; left out: the same folder as the commands choose. */
  readonly data: string | undefined;
  /** Of the loopback host that the commands use; 0 takes any. */
  readonly port: number;
  /** Start with the tray alone. */
  readonly hidden: boolean;
  /** Keep the master key in its file: for folders that are thrown away, and systems whose key store asks at each start. */
  readonly plainKey: boolean;
  /** A `slipway:` address that the system was asked to open, not looked at yet. */
  readonly link: string | null;
}

/** Reads the arguments after the app's own path. Throws `input.invalid`. */
export function parseDesktopArguments(args: readonly string[]): DesktopOptions {
  const { values } = parseArgs({
    args: [...args],
    // Chromium's switches stand in the same line, and their list is not ours.
    strict: false,
    allowPositionals: true,
    options: {
      data: { type: 'string' },
      port: { type: 'string' },
      hidden: { type: 'boolean' },
      'plain-key': { type: 'boolean' },
    },
  });
  if (values.data === true || values.data === '') {
    throw new DomainError('input.invalid', '--data needs a folder, as in "--data /srv/slipway".');
  }
  const port = values.port === undefined ? 0 : Number(values.port);
  const isPort = typeof values.port !== 'boolean' && /^\d*$/.test(values.port ?? '') && values.port !== '';
  if (!isPort || port > 65_535) {
    throw new DomainError('input.invalid', '--port needs a whole number from 0 to 65535.');
  }
  return {
    data: typeof values.data === 'string' ? values.data : undefined,
    port,
    hidden: values.hidden === true,
    plainKey: values['plain-key'] === true,
    link: deepLinkIn(args),
  };
}
