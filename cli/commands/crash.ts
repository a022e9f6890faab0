/** `netfall crash parse|explain`: what kernels' logs tell of crashes. */
import { existsSync } from 'node:fs';
import { type Report, readCrash } from '@netfall/crash';
import { ApiClient } from '../api/client.ts';
import { crashDocument } from '../crash/document.ts';
import { type LogText, readLogFile, STDIN } from '../crash/log-file.ts';
import { candidates, nearest, type Stacks } from '../crash/near.ts';
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
      const { text, holes } = await readNamed(file);
      const report = readCrash(text, holes);
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

/** @param named a log's file, standard input, or a crash that the collector knows */
export async function explainCrash(named: string, { api, json }: ExplainOptions): Promise<void> {
  const client = new ApiClient(api);
  const isId = CRASH_ID.test(named) && !existsSync(named);
  const crash = isId ? await client.crash(named) : null;
  const { text, holes } = crash ? await logOf(client, crash.id) : await readNamed(named);
  const report = readCrash(text, holes);
  const about = crash ? { crash_id: crash.id } : { file: named };
  if (!report) {
    const name = crash ? `the log of crash ${crash.id}` : nameOf(named);
    print(json, { ...about, crash: false }, () => [`${name}: no crash in it`]);
    return;
  }
  const beginning = text.split('\n', report.start + 1)[report.start] ?? '';
  const known = await knownNear(client, report, crash?.id);
  const why = { report, beginning, known, titled: crash?.reading?.title ?? '' };
  print(json, whyDocument(about, why), (paper) => whyPage(why, Date.now() * 1000, paper));
}

async function logOf(client: ApiClient, id: string): Promise<LogText> {
  const { text, marks } = await client.crashLog(id);
  return { text, holes: marks };
}

/** Without the one that is explained, where it is known. */
async function knownNear(client: ApiClient, report: Report, own?: string): Promise<Known> {
  try {
    const groups = candidates(report, await client.crashGroups(MOST_GROUPS));
    const stacks: Stacks = new Map(
      await Promise.all(
        groups.map(async ({ signature, last_crash_id }) => {
          const { reading } = await client.crash(last_crash_id);
          return [signature, { frames: reading?.frames ?? [], guilty: reading?.guilty ?? null }] as const;
        }),
      ),
    );
    const others = groups.filter((group) => group.crashes > 1 || group.last_crash_id !== own);
    return { near: nearest(report, others, stacks) };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { unknown: error.message };
  }
}

function readNamed(file: string): Promise<LogText> {
  if (file === STDIN && process.stdin.isTTY)
    console.error("netfall: reads a kernel's log from this terminal: end it with Ctrl-D");
  return readLogFile(file);
}

function nameOf(file: string): string {
  return file === STDIN ? 'standard input' : clean(file);
}
