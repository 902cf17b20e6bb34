import { describe, expect, it } from 'vitest';
import { bearerToken, isToken, protocolToken, refuseForeign } from '../../../src-main/host/request-guard.ts';

const host = '127.0.0.1:8123';

describe('a request', () => {
  it.each([
    ['of a script', { host }, null],
    ['to localhost', { host: 'localhost:8123' }, null],
    ['over IPv6', { host: '[::1]:8123' }, null],
    ['of our own page', { host, origin: 'http://127.0.0.1:8123', 'sec-fetch-site': 'same-origin' }, null],
    ['that a person typed', { host, 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }, null],
    ['by a link elsewhere', { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, null],
    ['without Host', {}, 421],
    ['to a name that resolves to us', { host: 'evil.test:8123' }, 421],
    ['to a name that begins like ours', { host: '127.0.0.1:8123.evil.test' }, 421],
    ['to another port', { host: '127.0.0.1:8124' }, 421],
    ['without a port', { host: '127.0.0.1' }, 421],
    ['of another page', { host, origin: 'http://evil.test' }, 403],
    ['of another port', { host, origin: 'http://127.0.0.1:9000' }, 403],
    ['of a page over TLS', { host, origin: 'https://127.0.0.1:8123' }, 403],
    ['of a sandboxed page', { host, origin: 'null' }, 403],
    ['that another page loads', { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, 403],
  ])('%s gets its answer', (_what, headers, status) => {
    expect(refuseForeign(headers, 8123)?.status ?? null).toBe(status);
  });
});

describe('a token', () => {
  it.each([
    ['Bearer abc-DEF_1', 'abc-DEF_1'],
    ['bearer abc', undefined],
    ['Bearer ', undefined],
    ['Bearer a b', undefined],
    ['Basic abc', undefined],
    [undefined, undefined],
  ])('in %j is %j', (authorization, token) => {
    expect(bearerToken(authorization === undefined ? {} : { authorization })).toBe(token);
  });

  it.each([
    ['slipway, slipway-token.abc', 'abc'],
    ['slipway-token.abc', 'abc'],
    ['slipway', undefined],
    [undefined, undefined],
  ])('among the subprotocols %j is %j', (protocols, token) => {
    expect(protocolToken(protocols === undefined ? {} : { 'sec-websocket-protocol': protocols })).toBe(token);
  });

  it('is the expected one or none', () => {
    expect(isToken('secret', 'secret')).toBe(true);
    for (const wrong of ['Secret', 'secre', 'secrett', '', undefined]) expect(isToken('secret', wrong)).toBe(false);
  });
});
