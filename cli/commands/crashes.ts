/** `netfall crashes list|show|log`: kernels that died or were in trouble, as a collector says. */
import { ApiClient } from '../api/client.ts';
import { crashList, crashLogLines, crashPage } from '../api/crashes.ts';
import { print } from '../terminal/print.ts';

interface ShowOptions {
  readonly api: string;
  readonly json?: boolean;
}

interface ListOptions extends ShowOptions {
  readonly host?: string;
  readonly source?: string;
  readonly limit: number;
}

interface LogOptions extends ShowOptions {
  readonly record?: number;
}

export async function listCrashes({ api, host, source, limit, json }: ListOptions): Promise<void> {
  const crashes = await new ApiClient(api).crashes({
    limit,
    ...(host !== undefined && { host }),
    ...(source !== undefined && { source }),
  });
  print(json, { crashes }, (paper) => crashList(crashes, Date.now() * 1000, paper));
}

export async function showCrash(id: string, { api, json }: ShowOptions): Promise<void> {
  const crash = await new ApiClient(api).crash(id);
  print(json, crash, (paper) => crashPage(crash, Date.now() * 1000, paper));
}

export async function crashLog(id: string, { api, record, json }: LogOptions): Promise<void> {
  const log = await new ApiClient(api).crashLog(id, record);
  print(json, log, (paper) => crashLogLines(log, paper));
}
