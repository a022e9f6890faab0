/** Prints a command's result: as one JSON document, or as text that fits the terminal. */
import { wantsColour, widthOf } from './text.ts';

/** What text is made for. */
export interface Paper {
  readonly width: number;
  readonly colour: boolean;
}

export function print(
  json: boolean | undefined,
  document: unknown,
  text: (paper: Paper) => readonly string[],
): void {
  const lines = json
    ? [JSON.stringify(document)]
    : text({ width: widthOf(process.stdout), colour: wantsColour(process.stdout) });
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}
