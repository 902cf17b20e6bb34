/** Owns what is told elsewhere in words: what each entry is, and how its deliveries stand. Knows no component. */
import type { Webhook } from '../../../src-main/contract/webhooks.ts';
import { plural } from '../../ui/format.ts';

export const kindNames: Readonly<Record<Webhook['kind'], string>> = {
  webhook: 'Webhook',
  status: 'Commit statuses',
  traces: 'Traces',
};

/** `3 waiting, 1 failed`; null where all was taken. */
export function deliveryWords({ waiting, failed }: Pick<Webhook, 'waiting' | 'failed'>): string | null {
  const words = [
    waiting > 0 && `${plural(waiting, 'delivery', 'deliveries')} waiting`,
    failed > 0 && `${failed} given up`,
  ];
  return words.filter(word => word !== false).join(', ') || null;
}

/** The lines of `name: value` that a person typed. Null where one is no header. */
export function headersOf(text: string): readonly { readonly name: string; readonly value: string }[] | null {
  const lines = text.split('\n').filter(line => line.trim() !== '');
  const headers = lines.flatMap(line => {
    const [, name, value] = /^\s*([A-Za-z0-9_-]+)\s*:\s*(.*?)\s*$/.exec(line) ?? [];
    return name === undefined || value === undefined ? [] : [{ name, value }];
  });
  return headers.length === lines.length ? headers : null;
}
