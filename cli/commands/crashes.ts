/** `netfall crashes list|show|log|signatures|preview`: kernels that died or were in trouble, as a collector says. */
import { ApiClient } from '../api/client.ts';
import { crashList, crashLogLines, crashPage } from '../api/crashes.ts';
import { groupList, previewPage } from '../api/signatures.ts';
import { print } from '../terminal/print.ts';

interface ShowOptions {
  readonly api: string;
  readonly json?: boolean;
}

interface ListOptions extends ShowOptions {
  readonly host?: string;
  readonly source?: string;
  readonly signature?: string;
  readonly unread?: boolean;
  readonly limit: number;
}

interface GroupOptions extends ShowOptions {
  readonly limit: number;
}

interface PreviewOptions extends ShowOptions {
  /** Of signatures. */
  readonly to: number;
}

interface LogOptions extends ShowOptions {
  readonly record?: number;
}

export async function listCrashes(options: ListOptions): Promise<void> {
  const { api, host, source, signature, unread, limit, json } = options;
  const crashes = await new ApiClient(api).crashes({
    limit,
    ...(host !== undefined && { host }),
    ...(source !== undefined && { source }),
    ...(signature !== undefined && { signature }),
    ...(unread === true && { unread }),
  });
  print(json, { crashes }, (paper) => crashList(crashes, Date.now() * 1000, paper));
}

export async function showCrash(id: string, { api, json }: ShowOptions): Promise<void> {
  const crash = await new ApiClient(api).crash(id);
  print(json, crash, (paper) => crashPage(crash, Date.now() * 1000, paper));
}

export async function crashLog(id: string, { api, record, json }: LogOptions): Promise<void> {
  const log = await new ApiClient(api).crashLog(id, record);
  print(json, log, (paper) => crashLogLines(log, paper, process.stdout.isTTY === true));
}

export async function listSignatures({ api, limit, json }: GroupOptions): Promise<void> {
  const groups = await new ApiClient(api).crashGroups(limit);
  print(json, { groups }, (paper) => groupList(groups, Date.now() * 1000, paper));
}

export async function previewSignatures({ api, to, json }: PreviewOptions): Promise<void> {
  const preview = await new ApiClient(api).signaturePreview(to);
  print(json, preview, (paper) => previewPage(preview, paper));
}
