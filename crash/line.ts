/**
 * A line of a kernel's log, taken apart into what printk puts before a message and the message. Pure; what messages mean is
 * not known here. Formats: print_syslog(), print_time() and print_caller() in kernel/printk/printk.c.
 */

export interface LogLine {
  /** The message. */
  readonly text: string;
  /** The kernel's own clock, microseconds; 0 when the line does not say. */
  readonly uptimeUs: number;
}

/**
 * `<6>`, `[   12.345678]`, `[  T123]` or `[    C0]`, each of which may be absent. Old kernels' consoles tell on the same
 * line what they had to leave out.
 */
const PREFIX =
  /^(?:\*\* \d{1,10} printk messages dropped \*\* )?(?:<\d{1,4}>)?(?:\[ {0,6}(\d{1,8})\.(\d{6})\])?(?:\[ {0,9}[TC]\d{1,9}\])? ?/;

/** Takes a line apart. @param line without its end */
export function readLine(line: string): LogLine {
  const [prefix = '', seconds, micros] = PREFIX.exec(line) ?? [];
  return {
    text: line.slice(prefix.length),
    uptimeUs: seconds === undefined ? 0 : Number(seconds) * 1_000_000 + Number(micros),
  };
}
