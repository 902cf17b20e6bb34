/** Owns what platform this process runs on, and whether a build fits it. */
import type { Platform } from '../contract/documents.ts';

function linuxLibc(): 'glibc' | 'musl' {
  // A report looks every peer address up in DNS otherwise. The property is newer than its type.
  Reflect.set(process.report, 'excludeNetwork', true);
  const report: unknown = process.report.getReport();
  if (report === null || typeof report !== 'object' || !('header' in report)) return 'musl';
  const { header } = report;
  // Node names the version of glibc that it runs on, and nothing on musl. Source: Node.js documentation, diagnostic report.
  return header !== null && typeof header === 'object' && 'glibcVersionRuntime' in header ? 'glibc' : 'musl';
}

let host: Platform | null = null;

/** The platform of this machine, in Node's words: `{ os: 'linux', arch: 'x64', libc: 'glibc' }`. */
export function hostPlatform(): Platform {
  host ??= {
    os: process.platform,
    arch: process.arch,
    libc: process.platform === 'linux' ? linuxLibc() : null,
  };
  return host;
}

/** `any` in a build's os or arch fits every machine (static files); a build without libc fits either. */
export function platformMatches(built: Platform, machine: Platform): boolean {
  return (
    (built.os === 'any' || built.os === machine.os) &&
    (built.arch === 'any' || built.arch === machine.arch) &&
    (built.os === 'any' || built.libc === null || built.libc === machine.libc)
  );
}

/** A platform in one word for people: `linux-x64-glibc`. */
export function platformName({ os, arch, libc }: Platform): string {
  return [os, arch, libc].filter(part => part !== null).join('-');
}
