/** `netfall crash parse|explain`: what kernels' logs tell of crashes. */
import type { CrashGroup } from '@netfall/collector';
import { type MarkedText, type Report, readCrash, readMarked } from '@netfall/crash';
import { ApiClient, NotFoundError } from '../api/client.ts';
import { crashDocument } from '../crash/document.ts';
import { readLogFile, STDIN } from '../crash/log-file.ts';
import { candidates, nearest, type Stack, type Stacks } from '../crash/near.ts';
import { reportPage } from '../crash/page.ts';
import { type Known, whyDocument, whyPage } from '../crash/why.ts';
import { CommandError, describeError } from '../errors.ts';
import { print } from '../terminal/print.ts';
import { clean, styled } from '../terminal/text.ts';

interface Options {
  readonly json?: boolean;
}

interface ExplainOptions extends Options {
  readonly api: string;
}

/** What crashes are called that a collector knows. */
const CRASH_ID = /^c\d+-\d+$/;
/** Groups that are looked at for near ones. */
const MOST_GROUPS = 10_000;

/** One file after the other: what cannot be read is said, and does not keep the others from being read. */
export async function parseLogs(files: readonly string[], { json }: Options): Promise<void> {
  const named = files.length > 0 ? files : [STDIN];
  for (const [i, file] of named.entries()) {
    try {
      const { text, marks } = await readNamed(file);
      const report = readCrash(text, marks);
      print(json, crashDocument(file, report), (paper) => {
        if (!report) return [`${nameOf(file)}: no crash in it`];
        const heading = [...(i > 0 ? [''] : []), styled('inverse', nameOf(file), paper.colour), ''];
        return [...(named.length > 1 ? heading : []), ...reportPage(report, paper)];
      });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      console.error(describeError(error));
      process.exitCode = 1;
    }
  }
}

/** @param named a log's file, standard input, or a crash that the collector knows: a file that is called so is "./c1-0" */
export async function explainCrash(named: string, { api, json }: ExplainOptions): Promise<void> {
  const client = new ApiClient(api);
  const crash = CRASH_ID.test(named) ? await client.crash(named) : null;
  const { text, marks } = crash
    ? await logOf(client, crash.id, crash.read ?? crash.best)
    : await readNamed(named);
  const report = readCrash(text, marks);
  const about = crash ? { crash_id: crash.id, record: crash.read ?? crash.best } : { file: named };
  if (!report) {
    const name = crash ? `the log of crash ${crash.id}` : nameOf(named);
    print(json, { ...about, crash: false }, () => [`${name}: no crash in it`]);
    return;
  }
  const beginning = text.split('\n', report.start + 1)[report.start] ?? '';
  const known = await knownNear(client, report, crash?.id);
  const collector = crash?.reading
    ? { title: crash.reading.title, parser_version: crash.parser_version }
    : null;
  const why = { report, beginning, known, collector };
  print(json, whyDocument(about, why), (paper) => whyPage(why, Date.now() * 1000, paper));
}

/** The log that the collector's title is from. @param record null where there is no log yet: the collector says so */
async function logOf(client: ApiClient, id: string, record: number | null): Promise<MarkedText> {
  const { text } = await client.crashLog(id, record ?? undefined);
  return readMarked(text);
}

/** Without the one that is explained, where it is known. */
async function knownNear(client: ApiClient, report: Report, own?: string): Promise<Known> {
  try {
    const groups = candidates(report, await client.crashGroups(MOST_GROUPS));
    const stacks: Stacks = new Map(
      await Promise.all(
        groups.map(async (group) => [group.signature, await stackOf(client, group)] as const),
      ),
    );
    const others = groups.filter((group) => group.crashes > 1 || group.last_crash_id !== own);
    return { near: nearest(report, others, stacks) };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { unknown: error.message };
  }
}

/** Of a group's newest crash; without frames when that was forgotten since the groups were listed. */
async function stackOf(client: ApiClient, { last_crash_id }: CrashGroup): Promise<Stack> {
  try {
    const { reading } = await client.crash(last_crash_id);
    return { frames: reading?.frames ?? [], guilty: reading?.guilty ?? null };
  } catch (error) {
    if (error instanceof NotFoundError) return { frames: [], guilty: null };
    throw error;
  }
}

function readNamed(file: string): Promise<MarkedText> {
  if (file === STDIN && process.stdin.isTTY)
    console.error("netfall: reads a kernel's log from this terminal: end it with Ctrl-D");
  return readLogFile(file);
}

function nameOf(file: string): string {
  return file === STDIN ? 'standard input' : clean(file);
}
