/** `netfall incidents silence`, `netfall maintenance` and `netfall silences`: what nobody is to be told of for a time. */
import { ApiClient } from '../api/client.ts';
import { silenceEnded, silenceList, silenceMade } from '../api/silences.ts';
import { operator, readToken } from '../operator.ts';
import { print } from '../terminal/print.ts';

interface AskOptions {
  readonly api: string;
  readonly json?: boolean;
}

interface ListOptions extends AskOptions {
  readonly all?: boolean;
  readonly limit: number;
}

interface SayOptions extends AskOptions {
  readonly by?: string;
  readonly comment?: string;
  readonly tokenFile?: string;
}

interface MakeOptions extends SayOptions {
  readonly match?: readonly string[];
  /** Seconds. */
  readonly for: number;
  /** Microseconds since the Unix epoch. */
  readonly from?: number;
}

interface SilenceOptions extends MakeOptions {
  readonly fingerprint?: boolean;
}

export async function listSilences({ api, all, limit, json }: ListOptions): Promise<void> {
  const silences = await new ApiClient(api).silences(limit, all ? [] : ['active', 'pending']);
  print(json, { silences }, (paper) => silenceList(silences, Date.now() * 1000, paper));
}

export async function silence(id: string | undefined, options: SilenceOptions): Promise<void> {
  const { api, match = [], fingerprint } = options;
  await make(options, id === undefined ? match : [await about(api, id, fingerprint), ...match], false);
}

export function maintenance(options: MakeOptions): Promise<void> {
  return make(options, options.match ?? [], true);
}

export async function endSilence(id: string, options: SayOptions): Promise<void> {
  const { api, by = operator(), comment = '', json } = options;
  const sequence = await new ApiClient(api, readToken(options)).endSilence(id, { by, comment });
  print(json, { id, sequence, by, comment }, () => silenceEnded(id));
}

/** A matcher of one incident, or of all that are like it. The incident has to be there. */
async function about(api: string, id: string, fingerprint = false): Promise<string> {
  const incident = await new ApiClient(api).incident(id);
  return fingerprint ? `fingerprint=${incident.fingerprint}` : `incident=${incident.id}`;
}

async function make(options: MakeOptions, matchers: readonly string[], planned: boolean): Promise<void> {
  const { api, for: for_s, from = 0, by = operator(), comment = '', json } = options;
  const wanted = { matchers, for_s, from_us: from, maintenance: planned, by, comment };
  const made = await new ApiClient(api, readToken(options)).makeSilence(wanted);
  print(json, { ...wanted, ...made }, (paper) => silenceMade(wanted, made, Date.now() * 1000, paper));
}
