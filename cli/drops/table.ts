/** Draws the table of `netfall drops`. Pure: state and size in, text out, the same on every machine. */
import { packetLine } from '../terminal/packet.ts';
import { clockTime, compact, cut, percent, styled } from '../terminal/text.ts';
import { type Audited, auditLines } from './audit.ts';
import { type DropLine, HISTORY_S, type Ledger } from './tally.ts';

export interface DropsView {
  readonly host: string;
  readonly elapsedS: number;
  readonly lines: readonly DropLine[];
  readonly ledger: Ledger;
  /** null where counters cannot be read, or were not yet. */
  readonly audit: Audited | null;
  /** Whether a kind comes with healthy traffic. */
  readonly everyday: (reason: string, fn: string) => boolean;
  /** The last line, e.g. which key quits. */
  readonly hint: string;
}

export interface Screen {
  readonly width: number;
  readonly height: number;
  readonly colour: boolean;
}

const NUMBER = 7;
const GAP = 2;
const INDENT = '  ';
/** How many columns the history may take: divisors of its seconds, the best first. */
const SPARKLINES = [60, 30, 20, 15, 12, 10];

interface Widths {
  readonly reason: number;
  readonly function: number;
  readonly protocol: number;
  readonly sparkline: number;
}

/** At most `height` lines of at most `width` columns, joined by newlines. */
export function drawDrops(view: DropsView, screen: Screen): string {
  const { width, height, colour } = screen;
  const widths = layOut(view.lines, width);
  const foot = footer(view, width).map((text) => cut(text, width));
  // Title, blank, heading, rows, blank, foot.
  const room = Math.max(0, height - 4 - foot.length);
  const shown = view.lines.slice(0, view.lines.length > room ? Math.max(0, room - 1) : room);
  const more = view.lines.length - shown.length;
  // What rows leave of the height goes to samples, from the top down.
  let spare = more > 0 ? 0 : room - shown.length;
  const lines = [
    styled('bold', cut(title(view), width), colour),
    '',
    styled('dim', cut(heading(widths), width), colour),
    ...shown.flatMap((line) => {
      const text = cut(row(line, widths), width);
      const counts = view.everyday(line.reason, line.function) ? styled('dim', text, colour) : text;
      if (line.sample === null || spare-- <= 0) return [counts];
      const packet = `${INDENT}${packetLine(line.sample, width - INDENT.length)}`;
      return [counts, styled('dim', cut(packet, width), colour)];
    }),
    ...(more > 0 ? [cut(`… and ${more} more`, width)] : []),
    ...(view.lines.length === 0 ? [cut('No drops so far.', width)] : []),
    '',
    ...foot.map((text, i) => styled(i === 0 && view.ledger.lost > 0 ? 'yellow' : 'dim', text, colour)),
  ];
  return lines.slice(0, height).join('\n');
}

function title({ host, elapsedS, lines }: DropsView): string {
  const rate = lines.reduce((sum, line) => sum + line.rate, 0);
  return `Drops on ${host}   ${clockTime(elapsedS)}   ${compact(rate)}/s   ${lines.length} ${lines.length === 1 ? 'kind' : 'kinds'}`;
}

function footer({ ledger, audit, hint }: DropsView, width: number): string[] {
  const { seen, lost, hops } = ledger;
  const share = seen === 0 ? 1 : (seen - lost) / seen;
  const places = Object.entries(hops).map(([hop, count]) => `${hop} ${compact(count)}`);
  return [
    `seen ${compact(seen)}   lost ${compact(lost)}   complete ${percent(share)}`,
    ...(places.length > 0 ? [`lost at: ${places.join(', ')}`] : []),
    ...(audit ? auditLines(audit, width) : []),
    ...(hint === '' ? [] : [hint]),
  ];
}

/**
 * The history gives way first, down to its least; then the function's name; then the history goes, then the protocol,
 * then the function.
 */
function layOut(lines: readonly DropLine[], width: number): Widths {
  const widest = (title: string, text: (line: DropLine) => string) =>
    Math.max(title.length, ...lines.map((line) => text(line).length));
  const reason = Math.min(
    24,
    widest('REASON', (line) => line.reason),
  );
  const wanted = Math.min(
    28,
    widest('FUNCTION', (line) => line.function),
  );
  const protocol = widest('PROTO', (line) => line.protocol);
  const forFunction = width - reason - 2 * (NUMBER + GAP) - GAP;
  const full = forFunction - protocol - GAP;
  const besides = (name: number) => SPARKLINES.find((columns) => full - columns - GAP >= name);
  const sparkline = besides(wanted) ?? besides(Math.min(wanted, 18));
  if (sparkline) return { reason, function: Math.min(wanted, full - sparkline - GAP), protocol, sparkline };
  if (full >= Math.min(wanted, 12))
    return { reason, function: Math.min(wanted, full), protocol, sparkline: 0 };
  if (forFunction >= Math.min(wanted, 8)) {
    return { reason, function: Math.min(wanted, forFunction), protocol: 0, sparkline: 0 };
  }
  return {
    reason: Math.min(reason, Math.max(8, width - 2 * (NUMBER + GAP))),
    function: 0,
    protocol: 0,
    sparkline: 0,
  };
}

function columns(widths: Widths, cells: readonly [string, string, string, string, string, string]): string {
  const [reason, fn, protocol, rate, total, sparkline] = cells;
  const left = (text: string, width: number) => (width === 0 ? [] : [cut(text, width).padEnd(width)]);
  return [
    ...left(reason, widths.reason),
    ...left(fn, widths.function),
    ...left(protocol, widths.protocol),
    rate.padStart(NUMBER),
    total.padStart(NUMBER),
    ...left(sparkline, widths.sparkline),
  ]
    .join(' '.repeat(GAP))
    .trimEnd();
}

function heading(widths: Widths): string {
  return columns(widths, ['REASON', 'FUNCTION', 'PROTO', 'RATE/s', 'TOTAL', `LAST ${HISTORY_S} s`]);
}

function row(line: DropLine, widths: Widths): string {
  const { reason, function: fn, protocol, rate, events, history } = line;
  const sparkline = drawSparkline(history, widths.sparkline);
  return columns(widths, [reason, fn, protocol, compact(rate), compact(events), sparkline]);
}

const BLOCKS = '▁▂▃▄▅▆▇█';
/** A time when nothing was dropped: nothing like the lowest block, which is a little. */
const NONE = '·';

/**
 * HISTORY_S seconds in `width` columns, the newest last; a column stands for the mean of its seconds. Scaled to the
 * largest; a dot is zero and nothing else; seconds before the history begins are blank.
 */
export function drawSparkline(history: readonly number[], width: number): string {
  if (width === 0) return '';
  const seconds = Math.ceil(HISTORY_S / width);
  const means: number[] = [];
  for (let end = history.length; end > 0; end -= seconds) {
    const values = history.slice(Math.max(0, end - seconds), end);
    means.unshift(values.reduce((sum, value) => sum + value, 0) / values.length);
  }
  const largest = Math.max(...means);
  const marks = means.map((mean) =>
    mean === 0 ? NONE : BLOCKS[Math.min(BLOCKS.length - 1, Math.floor((mean / largest) * BLOCKS.length))],
  );
  return marks.join('').padStart(width);
}
