/** Owns what a build step sees of the engine's environment: an allow-list, the plan's own variables, and its secrets. */
import { posix, win32 } from 'node:path';

type Variables = Readonly<Record<string, string>>;

/** Proxies and certificate authorities: without them the network of many offices is out of reach. */
export const networkVariables = [
  'ALL_PROXY',
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'NO_PROXY',
  'all_proxy',
  'https_proxy',
  'http_proxy',
  'no_proxy',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
];
/** Where tools keep themselves and their caches when that is not the home folder; the tools do not run without. */
const toolHomes = [
  'CARGO_HOME',
  'GOCACHE',
  'GOMODCACHE',
  'GOPATH',
  'GOROOT',
  'JAVA_HOME',
  'RUSTUP_HOME',
  'XDG_CACHE_HOME',
];
const onPosix = /^(?:HOME|LANG|LANGUAGE|LC_[A-Z]+|LOGNAME|PATH|SHELL|TMPDIR|USER)$/;
const onWindows =
  /^(?:APPDATA|COMMONPROGRAMFILES(?:\(X86\))?|COMSPEC|HOMEDRIVE|HOMEPATH|LOCALAPPDATA|NUMBER_OF_PROCESSORS|OS|PATH|PATHEXT|PROCESSOR_[A-Z]+|PROGRAMDATA|PROGRAMFILES(?:\(X86\))?|PROGRAMW6432|SYSTEMDRIVE|SYSTEMROOT|TEMP|TMP|USERNAME|USERPROFILE|WINDIR)$/;

/**
 * What of `host` any child process may see. A list of what is allowed, since no list of what is secret is ever whole:
 * credentials of other programs, the engine's own SLIPWAY_ variables, and what steers Node, npm or Electron stay out.
 */
export function hostEnvironment(
  host: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
): Record<string, string> {
  const isWindows = platform === 'win32';
  const shared = new Set([...networkVariables, ...toolHomes]);
  const allowed: Record<string, string> = {};
  for (const [name, value] of Object.entries(host)) {
    if (value === undefined) continue;
    const isAllowed = shared.has(name) || (isWindows ? onWindows.test(name.toUpperCase()) : onPosix.test(name));
    if (isAllowed) setVariable(allowed, name, value, isWindows);
  }
  return allowed;
}

/**
 * The whole environment of one step: the allowed part of `host`, then the plan's variables, the step's, and the secrets,
 * each over the one before. `pathEntries` come first on PATH.
 */
export function stepEnvironment(
  host: NodeJS.ProcessEnv,
  planEnv: Variables,
  stepEnv: Variables,
  secrets: Variables,
  pathEntries: readonly string[],
  platform: NodeJS.Platform = process.platform,
): Record<string, string> {
  const isWindows = platform === 'win32';
  const environment: Record<string, string> = { ...hostEnvironment(host, platform), CI: 'true', FORCE_COLOR: '1' };
  for (const variables of [planEnv, stepEnv, secrets]) {
    for (const [name, value] of Object.entries(variables)) setVariable(environment, name, value, isWindows);
  }
  setVariable(environment, 'SLIPWAY', 'true', isWindows);
  // Node warns in the log of every step where both are set.
  if ('NO_COLOR' in environment) Reflect.deleteProperty(environment, 'FORCE_COLOR');
  const delimiter = isWindows ? win32.delimiter : posix.delimiter;
  const name = nameIn(environment, 'PATH', isWindows);
  const entries = [...pathEntries, ...(environment[name] ?? '').split(delimiter)].filter(entry => entry !== '');
  environment[name] = [...new Set(entries)].join(delimiter);
  return environment;
}

/** Windows knows `Path` and `PATH` as one variable; two spellings in one environment would leave the choice to chance. */
function setVariable(environment: Record<string, string>, name: string, value: string, isWindows: boolean): void {
  environment[nameIn(environment, name, isWindows)] = value;
}

function nameIn(environment: Readonly<Record<string, string>>, name: string, isWindows: boolean): string {
  if (!isWindows) return name;
  return Object.keys(environment).find(known => known.toUpperCase() === name.toUpperCase()) ?? name;
}
