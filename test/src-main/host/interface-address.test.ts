import { describe, expect, it } from 'vitest';
import {
  interfaceUrl,
  isAllowedPermission,
  isInterfaceFrame,
  isInterfaceUrl,
} from '../../../src-main/host/interface-address.ts';

describe('isInterfaceUrl', () => {
  it.each([interfaceUrl, 'app://slipway/', 'app://slipway/index.html#/jobs?x=1'])('takes %s', address => {
    expect(isInterfaceUrl(address)).toBe(true);
  });

  it.each([
    '',
    'about:blank',
    'app:slipway',
    'app://slipway.example/index.html',
    'app://slipway:81/index.html',
    'app://slipway@example.org/index.html',
    'app://me@slipway/index.html',
    'https://slipway/index.html',
    'file:///index.html',
    'data:text/html,app://slipway/',
    'blob:app://slipway/0',
  ])('refuses %s', address => {
    expect(isInterfaceUrl(address)).toBe(false);
  });
});

describe('isInterfaceFrame', () => {
  it('takes the top frame with our page', () => {
    expect(isInterfaceFrame({ url: interfaceUrl, parent: null })).toBe(true);
  });

  it('refuses frames inside it, other pages, and frames that have gone', () => {
    expect(isInterfaceFrame({ url: interfaceUrl, parent: {} })).toBe(false);
    expect(isInterfaceFrame({ url: 'https://example.org/', parent: null })).toBe(false);
    expect(isInterfaceFrame(null)).toBe(false);
  });
});

describe('isAllowedPermission', () => {
  it('lets our page write to the clipboard, and nothing else', () => {
    expect(isAllowedPermission('clipboard-sanitized-write', 'app://slipway/')).toBe(true);
    expect(isAllowedPermission('clipboard-sanitized-write', 'https://example.org/')).toBe(false);
    for (const permission of ['clipboard-read', 'media', 'geolocation', 'notifications', 'openExternal', 'unknown']) {
      expect(isAllowedPermission(permission, interfaceUrl), permission).toBe(false);
    }
  });
});
