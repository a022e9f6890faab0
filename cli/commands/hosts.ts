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
  const found = await new ApiClient(api).hosts(limit);
  print(json, { hosts: found }, (paper) => hostList(found, Date.now() * 1000, paper));
}
