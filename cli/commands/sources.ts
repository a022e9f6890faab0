/** `netfall sources list|off|on`: what the agents' sources do across the fleet, and switching them off and on. */
import type { SwitchView } from '@netfall/collector';
import { ApiClient } from '../api/client.ts';
import { isSameSwitch, sourceList, switchedOff, switchedOn } from '../api/sources.ts';
import { suggest } from '../config/suggest.ts';
import { CommandError } from '../errors.ts';
import { operator, readToken } from '../operator.ts';
import { print } from '../terminal/print.ts';

interface ListOptions {
  readonly api: string;
  readonly json?: boolean;
}

interface ChangeOptions extends ListOptions {
  readonly tokenFile?: string;
}

interface OffOptions extends ChangeOptions {
  /** Milliseconds. */
  readonly for: number;
  readonly why: string;
  readonly host?: readonly string[];
  readonly label?: Readonly<Record<string, string>>;
}

const LONGEST_MS = 336 * 3_600_000;

export async function listSources({ api, json }: ListOptions): Promise<void> {
  const client = new ApiClient(api);
  const sources = await client.sources();
  const { switches } = await client.switches();
  print(json, { sources, switches }, (paper) => sourceList(sources, switches, Date.now() * 1000, paper));
}

export async function switchOff(source: string, options: OffOptions): Promise<void> {
  const { api, for: ms, why, host = [], label = {}, json } = options;
  if (ms > LONGEST_MS)
    throw new CommandError('--for is over 336h (14 days): give less, and switch it off again then');
  const client = new ApiClient(api, readToken(options));
  await checkName(client, source);
  const by = operator();
  const until_us = (Date.now() + ms) * 1000;
  const wanted: SwitchView = { source, until_us, hosts: host, labels: label, why, by };
  const { switches, concerned } = await client.changeSwitches(
    (now) => [...now.filter((one) => !isSameSwitch(one, wanted)), wanted],
    by,
  );
  const hosts = concerned[switches.length - 1] ?? 0;
  print(json, { switch: wanted, concerned: hosts }, () => switchedOff(wanted, hosts));
}

export async function switchOn(source: string, options: ChangeOptions): Promise<void> {
  const { api, json } = options;
  const client = new ApiClient(api, readToken(options));
  const { switches } = await client.switches();
  const removed = switches.filter((one) => one.source === source);
  if (removed.length === 0) {
    await checkName(client, source);
    throw new CommandError(`nobody has switched ${source} off: "netfall sources" shows what is switched off`);
  }
  await client.changeSwitches((now) => now.filter((one) => one.source !== source), operator());
  print(json, { removed }, () => switchedOn(source, removed));
}

/** A name that no host knows is a slip. */
async function checkName(client: ApiClient, source: string): Promise<void> {
  const names = (await client.sources()).map(({ name }) => name);
  if (names.includes(source)) return;
  if (names.length === 0) throw new CommandError('no host reports yet: nobody would switch anything off');
  const near = suggest(source, names);
  const hint = near === null ? '' : ` (did you mean ${near}?)`;
  throw new CommandError(`no host has a source ${source}${hint}: there are ${names.join(', ')}`);
}
