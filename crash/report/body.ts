/**
 * What follows the first line of a report, taken apart: the traces in it, and where the processors were. Pure. Which trace
 * counts, and which frame of it, is blame.ts's business.
 */
import type { Message } from './lines.ts';
import type { Frame } from './report.ts';
import { frameOf, pointerOf, type TraceKind, traceHead } from './trace.ts';

export interface Trace {
  readonly kind: TraceKind;
  /** The line that begins it, without its blanks; empty where frames just begin. */
  readonly head: string;
  /** Innermost first; where the processor was, if that is told before them, is the first. */
  readonly frames: readonly Frame[];
}

/** Frames of a trace that are kept: deeper ones tell nothing more, and overflowing stacks are endless. */
const MOST_FRAMES = 1024;
const MOST_TRACES = 64;

/** What ends a trace for sure. What else stands between frames may be of somebody else who wrote at the same time. */
const ENDS =
  /^(?:={20,}|-{12}\[ cut here|---\[ end |Modules linked in|Kernel Offset|Showing all locks|\d+ locks? held by|other info that|NMI backtrace|Sending NMI|task:|Kernel panic)/;

/** The next trace is of a bystander. */
const ASIDE = /kthread stack dump:$/;

/** The traces of a report, in order. */
export function tracesOf(body: readonly Message[]): readonly Trace[] {
  const traces: Trace[] = [];
  let frames: Frame[] = [];
  let kind: TraceKind = 'access';
  let head = '';
  let pointer: Frame | null = null;
  let isOpen = true;
  let isAside = false;
  const close = () => {
    if (frames.length > 0 && traces.length < MOST_TRACES) traces.push({ kind, head, frames });
    frames = [];
    kind = 'access';
    head = '';
    isOpen = false;
  };
  for (const { text, line, hole } of body) {
    if (hole) continue;
    const frame = frameOf(text.replace(/^\s*<\/?\w+>\s*/, ' '), line);
    if (frame) {
      isOpen = true;
      if (frames.length < MOST_FRAMES) frames.push(frame);
      continue;
    }
    if (ASIDE.test(text)) isAside = true;
    const told = traceHead(text);
    const begun = isAside && told === 'call' ? 'history' : told;
    if (begun) {
      isAside = false;
      close();
      kind = begun;
      head = text.trim();
      isOpen = true;
      if (pointer && begun === 'call') frames.push(pointer);
      pointer = null;
      // " Call Trace: [<ffff…>] func+0x1/0x2", as old kernels begin.
      const first = frameOf(text.replace(/^\s*(?:<\w+> )?Call Trace:/, ''), line);
      if (first && begun === 'call') frames.push(first);
      continue;
    }
    const at = pointerOf(text, line);
    if (at) {
      if (at.isUser) close();
      else if (at.frame && kind === 'call' && isOpen && frames.length > 0) frames.push(at.frame);
      else pointer ??= at.frame;
      continue;
    }
    if (ENDS.test(text)) close();
  }
  close();
  if (pointer && !traces.some(({ kind }) => kind === 'call'))
    traces.push({ kind: 'call', head: '', frames: [pointer] });
  return traces;
}
