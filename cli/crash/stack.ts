/** A stack trace as text: who is blamed, and who is not although it stands before. Pure; the names come from hosts. */
import type { Frame } from '@netfall/crash';
import type { Paper } from '../terminal/print.ts';
import { clean, cut, styled } from '../terminal/text.ts';

/** What is shown of a frame. */
export type ShownFrame = Pick<
  Frame,
  'function' | 'offset' | 'module' | 'source' | 'reliable' | 'inline' | 'passed'
>;

/** Frames that are shown at most when none is blamed, and behind the one that is. */
const MOST_FRAMES = 16;
const MOST_CALLERS = 10;

/**
 * A line a frame, innermost first.
 * @param guilty which of them is blamed, if any
 */
export function stackLines(
  frames: readonly ShownFrame[],
  guilty: number | null,
  { width, colour }: Paper,
): string[] {
  const shown = guilty === null ? MOST_FRAMES : Math.max(MOST_FRAMES, guilty + 1 + MOST_CALLERS);
  const lines = frames.slice(0, shown).map((frame, i) => {
    const marked = `${i === guilty ? '→' : ' '} ${frame.reliable ? ' ' : '?'} ${frameText(frame)}`;
    const why = frame.passed === '' ? '' : `  passed over: ${clean(frame.passed)}`;
    const line = cut(marked + why, width);
    if (i === guilty) return styled('bold', line, colour);
    return frame.passed !== '' || !frame.reliable ? styled('dim', line, colour) : line;
  });
  const more = frames.length - lines.length;
  return more > 0 ? [...lines, `    … and ${more} more`] : lines;
}

/** "tun_chr_close+0x3e [tun] drivers/net/tun.c:3455", as far as it is known. */
export function frameText(frame: Omit<ShownFrame, 'reliable' | 'passed'>): string {
  const { offset, module, source, inline } = frame;
  const place = offset === null ? frame.function : `${frame.function}+0x${offset.toString(16)}`;
  const parts = [place, module === '' ? '' : `[${module}]`, source, inline ? '(inlined)' : ''];
  return clean(parts.filter((part) => part !== '').join(' '));
}
