/** Owns how the command line reads and says which events of a repository notify. */
import { InvalidArgumentError } from 'commander';
import { type AlertSwitches, alertKindSchema } from '../contract/alerts.ts';

const kinds = alertKindSchema.options;

/** Those that are named notify and the others do not; `-` for none. Throws commander's error for one that there is not. */
export function alertList(text: string): AlertSwitches {
  const named = text === '-' ? [] : text.split(',').map(one => one.trim());
  const isKnown = (one: string) => kinds.some(kind => kind === one);
  if (!named.every(isKnown)) throw new InvalidArgumentError(`Give some of ${kinds.join(', ')}, or "-" for none.`);
  return {
    failed: named.includes('failed'),
    recovered: named.includes('recovered'),
    deployed: named.includes('deployed'),
    attention: named.includes('attention'),
  };
}

export function alertWords(switches: AlertSwitches): string {
  return kinds.filter(kind => switches[kind]).join(', ') || 'nothing';
}
