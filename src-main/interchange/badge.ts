/** Owns badges: a label and a state as an SVG picture of static text, without scripts, links or anything to fetch. */

export type BadgeTone = 'good' | 'bad' | 'busy' | 'none';

/** White text has a contrast of 4.5:1 and more on each. Source: WCAG 2.2, 1.4.3 */
const colours: Readonly<Record<BadgeTone, string>> = {
  good: '#1a7f37',
  bad: '#c4281c',
  busy: '#8a5a00',
  none: '#57606a',
};

const heightPx = 20;
const paddingPx = 6;
/** Of 11 px sans-serif, about; `textLength` makes it so. */
const characterPx = 6.6;
const maxCharacters = 60;

/** Text that XML takes: what it may not hold at all is left out. Source: XML 1.0, 2.2 and 2.4. */
export function xmlText(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;');
}

/** One line of at most so many characters, with nothing that turns the direction of writing. */
function shortened(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ').trim();
  const characters = [...line];
  return characters.length > maxCharacters ? `${characters.slice(0, maxCharacters - 1).join('')}…` : line;
}

/** An SVG document. Texts may be anybody's: they are shortened and escaped. */
export function badgeSvg(label: string, message: string, tone: BadgeTone): string {
  const [left, right] = [shortened(label), shortened(message)];
  const textPx = (text: string) => Math.round([...text].length * characterPx);
  const [leftPx, rightPx] = [textPx(left) + 2 * paddingPx, textPx(right) + 2 * paddingPx];
  const title = xmlText(`${left}: ${right}`);
  const text = (content: string, x: number) =>
    `<text x="${x}" y="14" textLength="${textPx(content)}" lengthAdjust="spacingAndGlyphs">${xmlText(content)}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${leftPx + rightPx}" height="${heightPx}" role="img" aria-label="${title}">`,
    `<title>${title}</title>`,
    `<rect width="${leftPx}" height="${heightPx}" fill="#24292f"/>`,
    `<rect x="${leftPx}" width="${rightPx}" height="${heightPx}" fill="${colours[tone]}"/>`,
    '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">',
    text(left, paddingPx),
    text(right, leftPx + paddingPx),
    '</g></svg>\n',
  ].join('');
}
