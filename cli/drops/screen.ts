/** The alternate screen of a terminal: shows whole frames without flicker, tells when `q` is pressed or the size changes. */
import type { ReadStream, WriteStream } from 'node:tty';
import { widthOf } from '../terminal/text.ts';

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
/** Synchronized output: terminals that know it draw the frame at once, others pass the marks over. */
const BEGIN_FRAME = '\x1b[?2026h\x1b[H';
const END_FRAME = '\x1b[J\x1b[?2026l';
/** Clears what an older, longer line left behind. */
const END_OF_LINE = '\x1b[K';

/** q, and Ctrl-C and Ctrl-D, which in raw mode come as keys and raise no signal. */
const LEAVING = ['q', 'Q', '\x03', '\x04'];

export interface Screen extends Disposable {
  readonly width: number;
  readonly height: number;
  /** Aborts when the user asks to leave. */
  readonly quit: AbortSignal;
  show(frame: string): void;
  onResize(listener: () => void): void;
  /** Goes back to the normal screen and prints `last` there. */
  leave(last: string): void;
}

export function openScreen(input: ReadStream, output: WriteStream): Screen {
  const quit = new AbortController();
  const onKey = (keys: Buffer) => {
    if (LEAVING.some((key) => keys.includes(key))) quit.abort();
  };
  let open = true;
  const close = () => {
    if (!open) return;
    open = false;
    if (input.isTTY) input.setRawMode(false);
    input.off('data', onKey);
    input.pause();
    output.removeAllListeners('resize');
    output.write(LEAVE);
  };
  if (input.isTTY) {
    input.setRawMode(true);
    input.on('data', onKey);
  }
  output.write(ENTER);
  return {
    get width() {
      return widthOf(output);
    },
    get height() {
      return output.rows || 24;
    },
    quit: quit.signal,
    show: (frame) => {
      const lines = frame.split('\n').map((line) => line + END_OF_LINE);
      output.write(BEGIN_FRAME + lines.join('\n') + END_FRAME);
    },
    onResize: (listener) => output.on('resize', listener),
    leave: (last) => {
      close();
      output.write(`${last}\n`);
    },
    [Symbol.dispose]: close,
  };
}
