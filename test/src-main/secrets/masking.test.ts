import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMasker } from '../../../src-main/secrets/masking.ts';

function masked(secrets: readonly string[], chunks: readonly Buffer[]): string {
  const masker = createMasker(secrets);
  return Buffer.concat([...chunks.map(chunk => masker.push(chunk)), masker.end()]).toString();
}
const inBytes = (text: string) => [...Buffer.from(text)].map(byte => Buffer.of(byte));

describe('masking', () => {
  it('hides a secret wherever the chunks are cut', () => {
    const text = 'token=hunter2hunter and more';
    for (let cut = 0; cut <= text.length; cut += 1) {
      const chunks = [Buffer.from(text.slice(0, cut)), Buffer.from(text.slice(cut))];
      expect(masked(['hunter2hunter'], chunks), `cut at ${cut}`).toBe('token=*** and more');
    }
    expect(masked(['hunter2hunter'], inBytes(text))).toBe('token=*** and more');
  });

  it('hides Base64, also inside other Base64, URI and JSON forms, and each line', () => {
    const secret = 'pa/ss?wörd"1234';
    for (const prefix of ['', 'a', 'us', 'user:']) {
      const encoded = Buffer.from(`${prefix}${secret}`).toString('base64');
      expect(masked([secret], inBytes(encoded)), prefix).toContain('***');
      const core = Buffer.from(secret).toString('base64').slice(4, 12);
      expect(masked([secret], inBytes(encoded))).not.toContain(core);
    }
    expect(masked([secret], inBytes(`a ${encodeURIComponent(secret)} b`))).toBe('a *** b');
    expect(masked([secret], inBytes(JSON.stringify({ secret })))).toBe('{"secret":"***"}');
    for (const lineEnd of ['\n', '\r\n']) {
      expect(masked(['line one\nline two'], inBytes(`line one${lineEnd}line two${lineEnd}`))).toBe(`***${lineEnd}`);
    }
    expect(masked(['line one\nline two'], inBytes('> line two\r\n> line one'))).toBe('> ***\r\n> ***');
  });

  it('leaves short values and other text alone', () => {
    expect(masked(['true', ''], inBytes('true or not'))).toBe('true or not');
    expect(masked([], inBytes('x'))).toBe('x');
  });

  it('holds back nothing that cannot be the beginning of a secret', () => {
    const masker = createMasker(['secret-value']);
    expect(masker.push(Buffer.from('compiling...\n')).toString()).toBe('compiling...\n');
    expect(masker.push(Buffer.from('x secr')).toString()).toBe('x ');
    expect(masker.push(Buffer.from('ecy')).toString()).toBe('secrecy');
  });

  it('hides overlapping secrets over a cut', () => {
    for (let cut = 0; cut <= 13; cut += 1) {
      const text = 'x abcdefghi y';
      const out = masked(['abcdef', 'defghi'], [Buffer.from(text.slice(0, cut)), Buffer.from(text.slice(cut))]);
      expect(out, `cut at ${cut}`).toBe('x *** y');
    }
  });

  it('never lets a secret through, and gives the same for every cutting', () => {
    const secret = fc.stringMatching(/^[ab]{6,9}$/);
    const property = fc.property(
      fc.array(secret, { minLength: 1, maxLength: 3 }),
      fc.array(fc.oneof(fc.stringMatching(/^[ab ]{0,12}$/), secret), { maxLength: 8 }),
      (secrets, parts) => {
        const whole = masked(secrets, [Buffer.from(parts.join(''))]);
        const cut = masked(
          secrets,
          parts.map(part => Buffer.from(part)),
        );
        expect(cut).toBe(whole);
        expect(masked(secrets, inBytes(parts.join('')))).toBe(whole);
        for (const value of secrets) expect(whole.includes(value)).toBe(false);
      },
    );
    fc.assert(property, { numRuns: 300 });
  });
});
