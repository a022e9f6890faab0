/** Asks a collector's HTTP API. Must not know how answers are shown. */
import type {
  ChangeView,
  Crash,
  CrashGroup,
  CrashLog,
  HostView,
  IncidentState,
  IncidentView,
  SignaturePreview,
  SilenceState,
  SilenceView,
  SwitchView,
} from '@netfall/collector';
import { CommandError } from '../errors.ts';

/** Where `netfall up` listens unless it is told otherwise. */
export const DEFAULT_API = 'http://127.0.0.1:7070';
const TIMEOUT_MS = 10_000;
/** The most items that the API puts on a page. */
const PAGE = 1000;
/** How often a change is tried that others are in the way of. */
const ATTEMPTS = 5;

export interface IncidentQuery {
  readonly limit: number;
  readonly states?: readonly IncidentState[];
  readonly host?: string;
}

export interface CrashQuery {
  readonly limit: number;
  readonly host?: string;
  readonly source?: string;
  readonly signature?: string;
  /** Only crashes without a signature. */
  readonly unread?: boolean;
}

/** The sources that are switched off. */
export interface Switches {
  /** To be sent back with a change. */
  readonly version: number;
  readonly by: string;
  readonly switches: readonly SwitchView[];
}

/** On how many hosts that report a source is in which state. */
export interface SourceCounts {
  readonly name: string;
  readonly hosts: Readonly<Record<HostView['sources'][number]['state'], number>>;
}

/** Who says something, and what else there is to say. */
export interface Said {
  readonly by: string;
  readonly comment: string;
}

/** What an operator may decide about an incident. */
export type Decision = 'acknowledge' | 'resolve' | 'comment';

export interface NewSilence extends Said {
  /** Each "name=value" or "name!=value". */
  readonly matchers: readonly string[];
  readonly for_s: number;
  /** Microseconds since the Unix epoch; 0: at once. */
  readonly from_us: number;
  readonly maintenance: boolean;
}

export interface MadeSilence {
  readonly id: string;
  readonly sequence: number;
  /** Hosts that it covers now; null when it says nothing of hosts. */
  readonly hosts: number | null;
  /** Open incidents that it covers now. */
  readonly incidents: number;
}

/** A change that is announced. */
export interface Announcement extends Omit<ChangeView, 'id' | 'announced_us'> {
  /** One is made up without. */
  readonly id?: string;
}

export type HostCounts = Readonly<Record<HostView['status'], number>>;

/** The collector refused, in its own words. */
class ApiError extends CommandError {
  readonly apiCode: string;
  constructor(apiCode: string, message: string) {
    super(message);
    this.apiCode = apiCode;
  }
}

/** What was asked for by its name is not there, or no more. */
export class NotFoundError extends CommandError {}

export class ApiClient {
  readonly #base: URL;

  readonly #token: string | undefined;

  /**
   * @param base an http(s) URL
   * @param token an operator's, for changes
   */
  constructor(base: string, token?: string) {
    this.#token = token;
    this.#base = new URL(base.endsWith('/') ? base : `${base}/`);
  }

  /** Open ones first, each the newest first. */
  incidents({ limit, states = [], host }: IncidentQuery): Promise<IncidentView[]> {
    const query: [string, string][] = states.map((state) => ['state', state]);
    if (host !== undefined) query.push(['host', host]);
    // One that is over between two pages moves, and may be on both.
    return this.#list<IncidentView>('incidents', query, limit, 'incidents', ({ id }) => id);
  }

  async incident(id: string): Promise<IncidentView> {
    const found = await this.#named(`incidents/${encodeURIComponent(id)}`, [], 'incident_not_found', () =>
      noIncident(id),
    );
    return found as unknown as IncidentView;
  }

  /** The newest crashes first. */
  crashes({ limit, host, source, signature, unread }: CrashQuery): Promise<Crash[]> {
    const query: [string, string][] = [];
    if (host !== undefined) query.push(['host', host]);
    if (source !== undefined) query.push(['source', source]);
    if (signature !== undefined) query.push(['signature', signature]);
    if (unread === true) query.push(['unread', 'true']);
    return this.#list<Crash>('crashes', query, limit);
  }

  /** Crashes by signature, the newest ones' first. */
  crashGroups(limit: number): Promise<CrashGroup[]> {
    // One that gets a crash between two pages moves, and may be on both.
    return this.#list<CrashGroup>('crashes/signatures', [], limit, 'groups', ({ signature }) => signature);
  }

  /** What signatures of another version would make of the crashes that are kept. */
  async signaturePreview(version: number): Promise<SignaturePreview> {
    const found = await this.#get('api/v1/crashes/signatures/preview', [['version', String(version)]]);
    if (!Array.isArray(found['changes'])) throw this.#stranger();
    return found as unknown as SignaturePreview;
  }

  async crash(id: string): Promise<Crash> {
    const path = `crashes/${encodeURIComponent(id)}`;
    return (await this.#named(path, [], 'crash_not_found', () => noCrash(id))) as unknown as Crash;
  }

  /** What a crash's record has of its log; the best record unless one is named by its place among them. */
  async crashLog(id: string, record?: number): Promise<CrashLog> {
    const path = `crashes/${encodeURIComponent(id)}/log`;
    const query: [string, string][] = [['format', 'json']];
    if (record !== undefined) query.push(['record', String(record)]);
    const found = await this.#named(path, query, 'crash_not_found', () => noCrash(id));
    if (typeof found['text'] !== 'string' || !Array.isArray(found['marks'])) throw this.#stranger();
    return found as unknown as CrashLog;
  }

  /** How many hosts there are, by status. */
  async hostCounts(): Promise<HostCounts> {
    const { hosts } = await this.#get('api/v1/summary', []);
    if (typeof hosts !== 'object' || hosts === null) throw this.#stranger();
    return hosts as HostCounts;
  }

  /** By name. */
  async sources(): Promise<SourceCounts[]> {
    const { sources } = await this.#get('api/v1/summary', []);
    if (!Array.isArray(sources)) throw this.#stranger();
    return sources;
  }

  async switches(): Promise<Switches> {
    const found = await this.#get('api/v1/switches', []);
    if (!Array.isArray(found['switches'])) throw this.#stranger();
    return found as unknown as Switches;
  }

  /**
   * Changes the switches, and again when somebody else was first. Returns what they are now, and how many hosts each
   * concerns.
   */
  async changeSwitches(
    change: (now: readonly SwitchView[]) => readonly SwitchView[],
    by: string,
  ): Promise<{ readonly switches: readonly SwitchView[]; readonly concerned: readonly number[] }> {
    for (let attempt = 1; ; attempt++) {
      const { version, switches } = await this.switches();
      const body = { version, by, switches: change(switches) };
      try {
        const { concerned } = await this.#send('PUT', 'switches', body);
        if (!Array.isArray(concerned)) throw this.#stranger();
        return { switches: body.switches, concerned };
      } catch (error) {
        if (!(error instanceof ApiError && error.apiCode === 'conflict') || attempt === ATTEMPTS) throw error;
        // The collector that was asked may not have come to what is in the log.
        await new Promise((resolve) => setTimeout(resolve, 200 * attempt));
      }
    }
  }

  /** Tells of a decision about an incident. Returns the entry of the log that has it. */
  async decide(id: string, decision: Decision, said: Said): Promise<number> {
    const path = `incidents/${encodeURIComponent(id)}/${decision}`;
    const words = () => noIncident(id);
    const { sequence } = await inWords(this.#send('POST', path, said), ['incident_not_found'], words);
    return this.#number(sequence);
  }

  /** The newest silences first; only those in these states, unless there are none. */
  silences(limit: number, states: readonly SilenceState[]): Promise<SilenceView[]> {
    return this.#list<SilenceView>(
      'silences',
      states.map((state) => ['state', state]),
      limit,
    );
  }

  async makeSilence(silence: NewSilence): Promise<MadeSilence> {
    const made = await this.#send('POST', 'silences', silence);
    if (typeof made['id'] !== 'string') throw this.#stranger();
    return made as unknown as MadeSilence;
  }

  /** Ends a silence before its time. Returns the entry of the log that has it. */
  async endSilence(id: string, { by, comment }: Said): Promise<number> {
    const path = `silences/${encodeURIComponent(id)}?${new URLSearchParams({ by, comment })}`;
    const words = () => `there is no silence ${id}: "netfall silences" shows those that are not over`;
    const { sequence } = await inWords(this.#send('DELETE', path), ['silence_not_found'], words);
    return this.#number(sequence);
  }

  /** Those changes first that began last. */
  changes(limit: number): Promise<ChangeView[]> {
    return this.#list<ChangeView>('changes', [], limit);
  }

  async announce(change: Announcement): Promise<{ readonly id: string; readonly sequence: number }> {
    const { id, sequence } = await this.#send('POST', 'changes', change);
    if (typeof id !== 'string') throw this.#stranger();
    return { id, sequence: this.#number(sequence) };
  }

  /** By id. */
  hosts(limit: number): Promise<HostView[]> {
    return this.#list<HostView>('hosts', [], limit);
  }

  /** What a path names. When there is none, or the name cannot be one, that is said in words for people. */
  #named(
    path: string,
    query: readonly [string, string][],
    notFound: string,
    words: () => string,
  ): Promise<Record<string, unknown>> {
    return inWords(this.#get(`api/v1/${path}`, query), [notFound, 'invalid_request'], words);
  }

  #number(found: unknown): number {
    if (typeof found !== 'number') throw this.#stranger();
    return found;
  }

  /**
   * @param key what the answer calls them
   * @param identity of an item: what comes a second time is left out. Without it none does.
   */
  async #list<Item>(
    name: string,
    query: readonly [string, string][],
    limit: number,
    key: string = name,
    identity?: (item: Item) => string,
  ): Promise<Item[]> {
    const items: Item[] = [];
    const seen = new Set<string>();
    let cursor: unknown = null;
    do {
      const page: [string, string][] = [...query, ['limit', String(Math.min(PAGE, limit - items.length))]];
      if (typeof cursor === 'string') page.push(['cursor', cursor]);
      const body = await this.#get(`api/v1/${name}`, page);
      const found = body[key];
      if (!Array.isArray(found)) throw this.#stranger();
      for (const item of found) {
        const named = identity?.(item);
        if (named !== undefined && seen.has(named)) continue;
        if (named !== undefined) seen.add(named);
        items.push(item);
      }
      cursor = body['next_cursor'];
    } while (typeof cursor === 'string' && items.length < limit);
    return items;
  }

  async #get(path: string, query: readonly [string, string][]): Promise<Record<string, unknown>> {
    const url = new URL(path, this.#base);
    for (const [key, value] of query) url.searchParams.append(key, value);
    return this.#ask('GET', url);
  }

  /** Changes something, as the operator whose token there is. */
  #send(method: 'PUT' | 'POST' | 'DELETE', path: string, body?: object): Promise<Record<string, unknown>> {
    return this.#ask(method, new URL(`api/v1/${path}`, this.#base), body);
  }

  async #ask(method: string, url: URL, send?: object): Promise<Record<string, unknown>> {
    const headers = new Headers();
    if (send) headers.set('content-type', 'application/json');
    if (method !== 'GET' && this.#token !== undefined) headers.set('authorization', `Bearer ${this.#token}`);
    let response: Response;
    let body: unknown;
    try {
      const content = send ? { body: JSON.stringify(send) } : {};
      response = await fetch(url, { method, headers, ...content, signal: AbortSignal.timeout(TIMEOUT_MS) });
      body = await response.json().catch(() => null);
    } catch (error) {
      throw new CommandError(
        `no collector answers at ${this.#base.origin} (${why(error)}): start one with "netfall up", ` +
          'or name another with --api or NETFALL_API',
      );
    }
    if (typeof body !== 'object' || body === null) throw this.#stranger();
    if (response.ok) return body as Record<string, unknown>;
    const { code, message } = (body as { error?: { code?: unknown; message?: unknown } }).error ?? {};
    if (typeof message !== 'string') throw this.#stranger();
    throw new ApiError(String(code), message);
  }

  #stranger(): CommandError {
    return new CommandError(
      `what answers at ${this.#base.origin} is no Netfall collector: name one with --api or NETFALL_API`,
    );
  }
}

/** Says in words for people what the API's own name paths and patterns of ids for: those are for programs. */
async function inWords<T>(asked: Promise<T>, codes: readonly string[], words: () => string): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ApiError && codes.includes(error.apiCode)) throw new NotFoundError(words());
    throw error;
  }
}

function noIncident(id: string): string {
  return `there is no incident ${id}: "netfall incidents list" shows those that are kept`;
}

function noCrash(id: string): string {
  return `there is no crash ${id}: "netfall crashes list" shows those that are kept`;
}

function why(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `nothing within ${TIMEOUT_MS / 1000} s`;
  const { cause } = error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.message;
}
