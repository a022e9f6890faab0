/** `netfall crash parse|explain`: what kernels' logs tell of crashes. */
import { readCrash } from '@netfall/crash';
import { crashDocument } from '../crash/document.ts';
import { readLogFile, STDIN } from '../crash/log-file.ts';
import { reportPage } from '../crash/page.ts';
import { CommandError, describeError } from '../errors.ts';
import { print } from '../terminal/print.ts';
import { clean, styled } from '../terminal/text.ts';

interface ParseOptions {
  readonly json?: boolean;
}

/** One file after the other: what cannot be read is said, and does not keep the others from being read. */
export async function parseLogs(files: readonly string[], { json }: ParseOptions): Promise<void> {
  const named = files.length > 0 ? files : [STDIN];
  if (named.includes(STDIN) && process.stdin.isTTY)
    console.error("netfall: reads a kernel's log from this terminal: end it with Ctrl-D");
  for (const [i, file] of named.entries()) {
    try {
      const { text, holes } = await readLogFile(file);
      const report = readCrash(text, holes);
      print(json, crashDocument(file, report), (paper) => {
        const name = file === STDIN ? 'standard input' : clean(file);
        if (!report) return [`${name}: no crash in it`];
        const heading = [...(i > 0 ? [''] : []), styled('inverse', name, paper.colour), ''];
        return [...(named.length > 1 ? heading : []), ...reportPage(report, paper)];
      });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      console.error(describeError(error));
      process.exitCode = 1;
    }
  }
}
