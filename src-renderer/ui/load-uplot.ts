/** Owns loading uPlot, which needs a language that the browser's own formatters accept. */

function isLanguageTag(language: string): boolean {
  try {
    return Intl.getCanonicalLocales(language).length > 0;
  } catch {
    return false;
  }
}

/** As uPlot loads it makes a number format of `navigator.language`, which is no tag (`en-US@posix`) where a browser runs under LANG=C. */
export async function loadUPlot() {
  if (!isLanguageTag(navigator.language)) {
    Object.defineProperty(navigator, 'language', { value: 'en-US', configurable: true });
  }
  return (await import('uplot')).default;
}

export type UPlotClass = Awaited<ReturnType<typeof loadUPlot>>;
