/**
 * The reports of troubles.ts' troubles in test/fixtures/reports: a file each, which is a header of what it is to be read
 * as, an empty line, and the log. capture-reports.ts makes them. Knows no parser.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../fixtures/reports');

/** What a report is to be read as. */
export interface Expected {
  readonly title: string;
  readonly type: string;
  readonly place: string;
  readonly signature: string;
}

export interface KeptReport {
  readonly expected: Expected;
  /** As a console prints it. */
  readonly log: string;
}

/** The names of those there are: "KERNEL-TROUBLE". */
export async function reportNames(): Promise<string[]> {
  return (await readdir(folder)).flatMap((name) => /^(.+)\.txt$/.exec(name)?.[1] ?? []).sort();
}

export async function readReport(name: string): Promise<KeptReport> {
  const text = await readFile(join(folder, `${name}.txt`), 'utf8');
  const headerEnd = text.indexOf('\n\n');
  const header = new Map(
    text
      .slice(0, headerEnd)
      .split('\n')
      .map((line): [string, string] => {
        const [, key = '', value = ''] = /^([A-Z]+): ?(.*)$/.exec(line) ?? [];
        return [key, value];
      }),
  );
  const of = (key: string) => header.get(key) ?? '';
  return {
    expected: {
      title: of('TITLE'),
      type: of('TYPE'),
      place: of('PLACE'),
      signature: of('SIGNATURE'),
    },
    log: text.slice(headerEnd + 2),
  };
}

/** Replaces the log, and leaves what is expected as it was. Of a new one that is for somebody to fill in who has read it. */
export async function writeReport(name: string, log: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const known = (await reportNames()).includes(name) ? (await readReport(name)).expected : null;
  const header = (['title', 'type', 'place', 'signature'] as const)
    .map((key) => `${key.toUpperCase()}: ${known?.[key] ?? ''}`.trimEnd())
    .join('\n');
  await writeFile(join(folder, `${name}.txt`), `${header}\n\n${log}`);
}
