/** `netfall hosts`: which hosts report, and what their reports lack. */
import { ApiClient } from '../api/client.ts';
import { hostList } from '../api/hosts.ts';
import { print } from '../terminal/print.ts';

interface Options {
  readonly api: string;
  readonly limit: number;
  readonly json?: boolean;
}

export async function hosts({ api, limit, json }: Options): Promise<void> {
  const client = new ApiClient(api);
  const found = await client.hosts(limit);
  const counts = await client.hostCounts();
  print(json, { hosts: found, counts }, (paper) => hostList(found, counts, Date.now() * 1000, paper));
}
