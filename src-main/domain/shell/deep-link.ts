/** Owns what a `slipway:` address may ask for. Any page of the web can offer one, so it shows something and does nothing. */
import { idSchema } from '../../contract/documents.ts';

export type DeepLink =
  | { readonly show: 'job'; readonly job: string | number }
  | { readonly show: 'repository'; readonly repositoryId: string }
  /** The dialog with the address filled in; a person looks at it, and adds it or not. */
  | { readonly show: 'add'; readonly source: string };

const maxLength = 2_048;
/** A source that another page names is one on a server: never a path of this machine, and nothing with a password in it. */
const isRemoteSource = (source: string): boolean => {
  if (source.length > 500 || !URL.canParse(source)) return false;
  const url = new URL(source);
  return /^(https?|ssh):$/.test(url.protocol) && url.password === '' && url.hostname !== '';
};

/** What a link asks to be shown; null for one that is not ours or not well formed. */
export function parseDeepLink(text: string): DeepLink | null {
  if (text.length > maxLength || !URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.protocol !== 'slipway:' || url.username !== '' || url.password !== '' || url.port !== '') return null;
  const [, subject = '', ...rest] = url.pathname.split('/');
  if (rest.some(part => part !== '')) return null;
  if (url.hostname === 'add' && subject === '') {
    const source = url.searchParams.get('url') ?? '';
    return isRemoteSource(source) ? { show: 'add', source } : null;
  }
  if (url.search !== '') return null;
  const isId = idSchema.safeParse(subject).success;
  if (url.hostname === 'job') {
    if (isId) return { show: 'job', job: subject };
    return /^[1-9]\d{0,14}$/.test(subject) ? { show: 'job', job: Number(subject) } : null;
  }
  if (url.hostname === 'repository' && isId) return { show: 'repository', repositoryId: subject };
  return null;
}

/** The link among a command line's arguments: the system gives it as one of them. */
export function deepLinkIn(args: readonly string[]): string | null {
  return args.find(argument => /^slipway:/i.test(argument)) ?? null;
}
