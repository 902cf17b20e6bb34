/** Owns what a request says of its body, so that the client does not read it once more for each word. */
import type { UploadPartCommand } from '@aws-sdk/client-s3';

/**
 * In place of the body's SHA-256 in the signature: TLS guards the body, and the server checks it by MD5 or CRC32C, which are signed.
 * Source: "Signature calculations for the Authorization header", Amazon S3 API Reference, unsigned payload option.
 */
export const unsignedContent = 'UNSIGNED-PAYLOAD';

/** As the headers have it. */
export function base64Of(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}

/** Signs the request with this hash of its body (hex), instead of one that the client computes. */
export function signContentAs(command: UploadPartCommand, sha256: string): void {
  command.middlewareStack.add(
    next => args => {
      const { request } = args;
      if (typeof request === 'object' && request !== null && 'headers' in request) {
        Object.assign(request.headers ?? {}, { 'x-amz-content-sha256': sha256 });
      }
      return next(args);
    },
    { step: 'build', name: 'slipwayContentHash' },
  );
}
