/** Owns the translation of what Azure and its client say to `store.*` codes, with the setting or permission that is missing. */
import { RestError } from '@azure/storage-blob';
import { DomainError, type ErrorCode, messageOf } from '../../contract/errors.ts';
import { retryAfterMs, translateNetworkError } from '../network-errors.ts';

/** What was tried, and so what the credentials must allow. */
export interface AzureAction {
  readonly permission: 'read' | 'write' | 'delete' | 'list';
  readonly key?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Where it was tried. */
export interface AzureScene {
  readonly url: string;
  readonly account: string;
  readonly container: string;
  /** What a person knows the server by. */
  readonly server: string;
}

interface Said {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The letter of a shared access signature and the least role. Source: "Create a service SAS"; "Azure built-in roles for Storage". */
const rights: Readonly<Record<AzureAction['permission'], string>> = {
  read: 'r (read), or the role Storage Blob Data Reader',
  write: 'c and w (create, write), or the role Storage Blob Data Contributor',
  delete: 'd (delete), or the role Storage Blob Data Contributor',
  list: 'l (list), or the role Storage Blob Data Reader',
};

/** The service's own name of the error. Source: "Status and error codes", `x-ms-error-code`. */
export function azureErrorCode(error: RestError): string {
  return error.response?.headers.get('x-ms-error-code') ?? error.code ?? '';
}

function sayAuthentication(error: RestError, scene: AzureScene): Said {
  const text = `${error.message} ${error.response?.bodyAsText ?? ''}`;
  if (/date header|request date|clock/i.test(text)) {
    const serverTime = error.response?.headers.get('date');
    return {
      code: 'store.forbidden',
      message: `The clock of this machine is wrong: ${scene.server} refused a request of ${new Date().toISOString()}${serverTime === undefined ? '' : ` at ${new Date(serverTime).toISOString()} of its own`}. Set the clock, or turn on its synchronisation (NTP).`,
      details: { serverTime },
    };
  }
  if (/specified time frame|signed expiry|signature not valid/i.test(text)) {
    return {
      code: 'store.forbidden',
      message: `The shared access signature of ${scene.url} has expired, or is not valid yet. Give the store a new one; if it is new, check the clock of this machine.`,
    };
  }
  return {
    code: 'store.forbidden',
    message: `${scene.server} refuses the credentials of ${scene.url}: the key or shared access signature is not one of the account ${scene.account}. Give the store the account's key (base64), or a signature for the container ${scene.container}.`,
  };
}

/** Refusals whose cause is one exact setting of the account. */
const settings: Readonly<Record<string, string>> = {
  KeyBasedAuthenticationNotPermitted:
    'the account does not allow its keys: turn on "Allow storage account key access", or give the store a shared access signature made by a user',
  AuthorizationFailure:
    'the account\'s firewall keeps this machine out, or the signature is for other addresses: allow its address under "Networking" of the account',
  AccountIsDisabled: 'the account is disabled: enable it, or settle its subscription',
  PublicAccessNotPermitted: 'the account gives nothing without credentials: give the store a key or a signature',
  NoAuthenticationInformation: 'there are no credentials: give the store a key or a signature',
  LeaseIdMissing: 'somebody holds a lease on it: break the lease',
  BlobImmutableDueToPolicy: 'an immutability policy protects it: choose a container without one',
  UnauthorizedBlobOverwrite: 'the signature allows to create but not to overwrite: give it the right w (write)',
};

function sayRefusal(code: string, error: RestError, action: AzureAction, scene: AzureScene): Said | null {
  const what = action.key ?? scene.container;
  const isUnknown = /failed to authenticate/i.test(`${error.message} ${error.response?.bodyAsText ?? ''}`);
  if (isUnknown || code === 'AuthenticationFailed' || code === 'InvalidAuthenticationInfo') {
    return sayAuthentication(error, scene);
  }
  const setting = settings[code];
  if (setting !== undefined) {
    return { code: 'store.forbidden', message: `${scene.server} refused ${what} of ${scene.url}: ${setting}.` };
  }
  if (error.statusCode === 401 || error.statusCode === 403) {
    return {
      code: 'store.forbidden',
      message: `The credentials of ${scene.url} may not ${action.permission} ${what}${code === '' ? '' : ` (${code})`}. Give their shared access signature the right ${rights[action.permission]} on the container ${scene.container}.`,
      details: { permission: action.permission },
    };
  }
  return null;
}

function say(error: RestError, action: AzureAction, scene: AzureScene): Said | null {
  const status = error.statusCode ?? 0;
  const code = azureErrorCode(error);
  const { container, server } = scene;
  const what = action.key ?? container;
  // In front of the rest: a lease answers with 412 too.
  const refusal = sayRefusal(code, error, action, scene);
  if (refusal !== null) return refusal;
  if (status === 412 || code === 'BlobAlreadyExists') {
    return {
      code: 'store.precondition_failed',
      message: `${what} was not written: somebody else has written it, or it is not there. Read it again and decide on what it says now.`,
    };
  }
  if (code === 'ContainerNotFound' || code === 'ContainerBeingDeleted' || code === 'ContainerDisabled') {
    return {
      code: 'store.unreachable',
      message: `There is no container ${container} in the account ${scene.account}. Create it, or correct its name in ${scene.url}.`,
    };
  }
  if (code === 'Md5Mismatch' || code === 'Crc64Mismatch') {
    return {
      code: 'artifact.digest_mismatch',
      message: `${server} received other bytes of ${what} than were sent. Nothing was stored; it is tried again.`,
    };
  }
  if (status === 416) {
    return { code: 'input.invalid', message: `The bytes asked for lie outside ${what} in ${scene.url}.` };
  }
  if (status === 404) return { code: 'store.not_found', message: `${what} is not in the store ${scene.url}.` };
  if (
    status === 507 ||
    code === 'InsufficientStorage' ||
    code === 'QuotaExceeded' ||
    code === 'BlockCountExceedsLimit'
  ) {
    return {
      code: 'store.full',
      message: `The account ${scene.account} has no room left (${code}). Raise its limit, or remove old packs; the copy is tried again by itself.`,
    };
  }
  if (status === 503 || status === 429 || code === 'ServerBusy') {
    const waitMs = retryAfterMs(error.response?.headers.get('retry-after'), Date.now());
    return {
      code: 'store.unreachable',
      message: `${server} asks for fewer requests (${code}). It is tried again by itself${waitMs === null ? '' : `, not before ${Math.ceil(waitMs / 1_000)} s from now`}.`,
      details: waitMs === null ? {} : { retryAfterMs: waitMs },
    };
  }
  if (status >= 500) {
    return {
      code: 'store.unreachable',
      message: `${server} has failed at ${what} (${code}, status ${status}). It is tried again by itself.`,
    };
  }
  if (status === 0) return null;
  return {
    code: 'store.unreachable',
    message: `${server} refused to ${action.permission} ${what}: ${code}, status ${status}. Check that ${scene.url} names an account of Azure Blob Storage.`,
  };
}

/** An error of the client as a `DomainError`; the signal's reason where it was aborted; a `DomainError` or a bug as it is. */
export function translateAzureError(error: unknown, action: AzureAction, scene: AzureScene): unknown {
  if (action.signal?.aborted === true) return action.signal.reason;
  if (error instanceof DomainError || !(error instanceof Error)) return error;
  const { account, container } = scene;
  const details = { account, container, ...(action.key === undefined ? {} : { key: action.key }) };
  const said = error instanceof RestError ? say(error, action, scene) : null;
  if (said !== null) {
    return new DomainError(said.code, said.message, { ...details, ...said.details }, { cause: error });
  }
  const network = translateNetworkError(error, scene.server);
  if (network !== null) return network;
  // What the client says of a download whose connection has ended, though nobody aborted it.
  if (error.name === 'AbortError') {
    return new DomainError(
      'store.unreachable',
      `${scene.server} broke off the connection. It is tried again by itself; if it stays so, a proxy or firewall may be in between.`,
      details,
      { cause: error },
    );
  }
  if (error instanceof RestError) {
    return new DomainError(
      'store.unreachable',
      `${scene.server} answers with something that is not Azure Blob Storage (${messageOf(error).slice(0, 200)}). Check the endpoint in ${scene.url}.`,
      details,
      { cause: error },
    );
  }
  return error;
}
