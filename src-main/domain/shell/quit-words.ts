/** Owns what a person is told before the app ends: what would stop, and what becomes of it. */

export interface UnderWay {
  readonly builds: readonly { readonly number: number; readonly repositoryName: string }[];
  readonly uploadBytesPerSecond: number;
}

export interface QuitQuestion {
  readonly message: string;
  readonly detail: string;
}

const most = 5;

/** The question; null where nothing would stop, so that quitting asks nothing. */
export function quitQuestion({ builds, uploadBytesPerSecond }: UnderWay): QuitQuestion | null {
  const seeds = uploadBytesPerSecond > 0;
  if (builds.length === 0 && !seeds) return null;
  const what = [
    ...(builds.length > 0 ? [builds.length === 1 ? 'a build' : `${builds.length} builds`] : []),
    ...(seeds ? ['seeding to machines'] : []),
  ];
  const named = builds.slice(0, most).map(build => `${build.repositoryName}, job ${build.number}`);
  if (builds.length > most) named.push(`and ${builds.length - most} more`);
  return {
    message: `Quitting stops ${what.join(' and ')}.`,
    detail: [
      ...(named.length > 0 ? [`${named.join('\n')}\nA build that is stopped begins again at the next start.`] : []),
      ...(seeds ? ['Machines go on from each other and from their nearest store.'] : []),
    ].join('\n\n'),
  };
}
