/**
 * A folder of real kernel logs with the titles that people gave their crashes, as the test data of syzkaller's pkg/report has
 * them: a header of "TITLE: …" and the like, an empty line, and the log, behind which "REPORT:" may follow. Knows no parser.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface KernelReport {
  /** The file's name. */
  readonly file: string;
  /** What the crash is called: its title first, then others for the same bug. Empty where the log tells of no crash. */
  readonly titles: readonly string[];
  /** The report in the log is cut or garbled. */
  readonly corrupted: boolean;
  readonly log: string;
}

/** Reads all of a folder, in the order of their names as numbers. Throws what the file system does. */
export function kernelReportsIn(folder: string): readonly KernelReport[] {
  const files = readdirSync(folder).toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return files.map((file) => kernelReport(file, readFileSync(join(folder, file), 'utf8')));
}

/** One file. @param content with line ends of either kind */
export function kernelReport(file: string, content: string): KernelReport {
  const text = content.replaceAll('\r', '');
  // A file that opens with an empty line has no header.
  const headerEnd = text.startsWith('\n') ? 0 : text.indexOf('\n\n') + 1;
  const header = text.slice(0, headerEnd).split('\n');
  const rest = text.slice(headerEnd + 1);
  const logEnd = /\n\nREPORT:\n/.exec(rest)?.index;
  return {
    file,
    titles: [...valuesOf(header, 'TITLE'), ...valuesOf(header, 'ALT')],
    corrupted: valuesOf(header, 'CORRUPTED').includes('Y'),
    log: rest.slice(0, logEnd === undefined ? undefined : logEnd + 1),
  };
}

function valuesOf(header: readonly string[], name: string): readonly string[] {
  return header
    .filter((line) => line.startsWith(`${name}:`))
    .map((line) => line.slice(name.length + 1).trim())
    .filter((value) => value !== '');
}
