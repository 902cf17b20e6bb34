/** Owns the addresses of repositories over ssh: which are taken, in what form they are kept, and which host they are of. */

export interface SshAddress {
  /** `ssh://[user@]host[:port]/path`, or `user@host:path`, whose path begins at the home folder of the user there. */
  readonly url: string;
  readonly host: string;
  readonly port: number | null;
  readonly path: string;
}

/** No dash in front, so that neither can be an option of ssh; no percent sign, which git would decode into one. */
const userPattern = '[A-Za-z0-9_][A-Za-z0-9_.+-]*';
const hostPattern = '[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|\\[[0-9A-Fa-f:.]+\\]';
const asUrl = new RegExp(
  `^(?:git\\+ssh|ssh\\+git|ssh)://(?:(${userPattern})@)?(${hostPattern})(?::(\\d{1,5}))?/(.+)$`,
  'i',
);
const asShorthand = new RegExp(`^(${userPattern})@(${hostPattern}):(?!//)(.+)$`);

/** Whether a person means ssh, well written or not. */
export const looksLikeSsh = (text: string): boolean =>
  /^(?:git\+ssh|ssh\+git|ssh):/i.test(text) || /^[^/:@]*@[^/:]*:/.test(text) || /^[^/:]+@\[/.test(text);

/** Reads an address; null where it is none that may be given to ssh. The text has no control characters. */
export function parseSshAddress(text: string): SshAddress | null {
  const url = asUrl.exec(text);
  if (url !== null) {
    const [, user, host = '', digits, rest = ''] = url;
    const port = digits === undefined ? null : Number(digits);
    const path = `/${rest.replace(/\/+$/, '')}`;
    if ((port !== null && (port < 1 || port > 65_535)) || !isPath(path)) return null;
    const place = `${host.toLowerCase()}${port === null || port === 22 ? '' : `:${port}`}`;
    return {
      url: `ssh://${user === undefined ? '' : `${user}@`}${place}${path}`,
      host: host.toLowerCase(),
      port: port === 22 ? null : port,
      path,
    };
  }
  const short = asShorthand.exec(text);
  if (short === null) return null;
  const [, user = '', host = '', rest = ''] = short;
  const path = rest.replace(/(?<=.)\/+$/, '');
  if (!isPath(path)) return null;
  return { url: `${user}@${host.toLowerCase()}:${path}`, host: host.toLowerCase(), port: null, path };
}

/**
 * Git decodes a URL's percent signs: none may hide a control character. A path that begins with a dash is an option there. The first `@[`,
 * wherever it stands, is where git believes the host to begin. Source: git's connect.c, host_end.
 */
function isPath(path: string): boolean {
  return !/[\s?#]|@\[|%[01][0-9a-f]|%7f|%(?![0-9a-f]{2})/i.test(path) && !path.startsWith('-') && !/^\/*$/.test(path);
}

/** As ssh names it in known_hosts: `host`, or `[host]:port`. Source: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". */
export function knownHostName({ host, port }: SshAddress): string {
  const bare = host.replace(/^\[|\]$/g, '');
  return port === null ? bare : `[${bare}]:${port}`;
}
