/** Owns the token by which an announce shows who signed it: made by machines and control centers, checked by the tracker. */
import { type Signer, verifySignature } from '../secrets/signing-keys.ts';

const minuteMs = 60_000;
/** Of a machine's own announce, which it signs anew each time; as much as two clocks may differ. */
export const machineTokenMs = 60 * minuteMs;
/** Of a torrent for other clients: as long as Amazon's and Google's signed URLs may live. */
export const torrentTokenMs = 7 * 24 * 60 * minuteMs;
const clockSkewMs = 10 * minuteMs;

/** Public keys (base64url) whose announces are answered. */
export interface AnnounceKeys {
  readonly machines: readonly string[];
  readonly controlCenters: readonly string[];
}

export interface Announced {
  /** 40 hex digits. */
  readonly infoHash: string;
  /** Where the peer listens; 0 stands for any, in a torrent for other clients. */
  readonly port: number;
  readonly expiresAtMs: number;
}

const tokenPattern = /^([0-9a-f]{64})\.(0|[1-9][0-9]{0,4})\.([1-9][0-9]{0,15})\.([A-Za-z0-9_-]{86})$/;

/** The signed words name their use, so that no other signature of the same key can stand for one. */
function signedBytes({ infoHash, port, expiresAtMs }: Announced): Buffer {
  return Buffer.from(`slipway.announce/v1\n${infoHash}\n${port}\n${expiresAtMs}`, 'latin1');
}

/** The `token` of an announce URL. */
export function signAnnounce(announced: Announced, signer: Signer): string {
  const signature = signer.sign(signedBytes(announced)).toString('base64url');
  return `${signer.keyId}.${announced.port}.${announced.expiresAtMs}.${signature}`;
}

/** Says of a token why it does not hold, or null. `keys` by key id. */
export function createTokenCheck(keys: ReadonlyMap<string, { readonly publicKey: string; readonly any: boolean }>) {
  return (token: unknown, infoHash: string, port: number, nowMs: number): string | null => {
    const [, keyId, portText, expiryText, signature] = tokenPattern.exec(typeof token === 'string' ? token : '') ?? [];
    if (keyId === undefined || signature === undefined) return 'the announce is not signed';
    const key = keys.get(keyId);
    if (key === undefined) return 'the announce is signed by a key that is not enrolled';
    const signed = { infoHash, port: Number(portText), expiresAtMs: Number(expiryText) };
    const longestMs = key.any ? torrentTokenMs : machineTokenMs;
    if (signed.expiresAtMs <= nowMs - clockSkewMs) return 'the signature of the announce has expired';
    if (signed.expiresAtMs > nowMs + longestMs + clockSkewMs) return 'the signature of the announce holds too long';
    if (signed.port !== port && !(key.any && signed.port === 0)) return 'the announce is signed for another port';
    return verifySignature(key.publicKey, signedBytes(signed), Buffer.from(signature, 'base64url'))
      ? null
      : 'the signature of the announce does not hold';
  };
}
