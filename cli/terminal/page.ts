/** What pages for a terminal are made of: sections, indented text, and lines that begin with a label. Pure. */
import type { Paper } from './print.ts';
import { styled, wrap } from './text.ts';

/** A blank line, a title and the lines below it; nothing at all when there are none. */
export function section(title: string, lines: readonly string[], { colour }: Paper): string[] {
  return lines.length === 0 ? [] : ['', styled('bold', title, colour), ...lines];
}

/** Text broken between words, each line behind so many blanks. */
export function indented(text: string, indent: number, { width }: Paper): string[] {
  return wrap(text, width - indent).map((line) => ' '.repeat(indent) + line);
}

/** Text beside its label, which takes `column` columns; further lines of it stand below the first. */
export function labelled(label: string, text: string, column: number, { width }: Paper): string[] {
  return wrap(text, width - column).map((line, i) => `${(i === 0 ? label : '').padEnd(column)}${line}`);
}
