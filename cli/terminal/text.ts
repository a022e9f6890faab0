/** Text for a terminal: numbers and times that a person reads at a glance, and text from elsewhere made harmless. */
import { stripVTControlCharacters, styleText } from 'node:util';

/** How text is set off; without colour every style is plain text. */
export type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'inverse';

export function styled(style: Style, text: string, colour: boolean): string {
  return colour ? styleText(style, text, { validateStream: false }) : text;
}

/** Whether a stream is to get colours: a terminal, and the person has not said no (no-color.org). */
export function wantsColour(stream: { readonly isTTY?: boolean }, env = process.env): boolean {
  return stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

/** A stream's columns: 80 for what is no terminal, and for one that does not know its size and says 0. */
export function widthOf(stream: { readonly columns?: number }): number {
  return stream.columns || 80;
}

/** What came from the network or a kernel, in one line and without control sequences. */
export function clean(text: string): string {
  return stripVTControlCharacters(text).replace(/\p{Cc}/gu, '\u00b7');
}

/** Cuts text to a width in columns, with an ellipsis where something was cut. */
export function cut(text: string, width: number): string {
  const letters = [...text];
  return letters.length <= width ? text : `${letters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

const units = ['', 'k', 'M', 'G', 'T', 'P'];

/** A count in at most five characters: 0, 950, 1.20k, 12.3k, 123k, 1.00M. */
export function compact(value: number): string {
  let unit = 0;
  let rest = value;
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1000;
    unit++;
  }
  if (unit === 0) return rest >= 10 || Number.isInteger(rest) ? String(Math.round(rest)) : rest.toFixed(1);
  return `${rest.toFixed(rest < 9.995 ? 2 : rest < 99.95 ? 1 : 0)}${units[unit]}`;
}

/** A share of 0 to 1 in percent, never rounded up to 100 or down to 0. */
export function percent(share: number): string {
  if (share === 0 || share === 1) return `${share * 100} %`;
  if (share >= 0.9999) return '> 99.99 %';
  if (share < 0.0001) return '< 0.01 %';
  return `${(share * 100).toFixed(2)} %`;
}

/** Seconds as a clock shows them: 0:07, 12:34, 1:02:03. */
export function clockTime(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (part: number) => String(part).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

const spans: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
];

/** A duration in its largest unit, rounded down: "12 s", "3 min", "5 h", "2 d". */
export function span(seconds: number): string {
  const [unit, length] = spans.find(([, size]) => seconds >= size) ?? ['s', 1];
  return `${Math.max(0, Math.floor(seconds / length))} ${unit}`;
}

/** A moment seen from now, both in microseconds: "12 s ago", or "never" for 0. */
export function ago(us: number, nowUs: number): string {
  return us === 0 ? 'never' : `${span((nowUs - us) / 1e6)} ago`;
}

/** A moment in microseconds, to the second: "2026-01-02 04:04:05 UTC". */
export function moment(us: number): string {
  return `${new Date(Math.trunc(us / 1000)).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Breaks text between words into lines of at most `width` columns; a longer word stands alone. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return line === '' ? lines : [...lines, line];
}
