/** `netfall changes list|announce`: changes in the fleet that trouble can be held against. */
import { changeAnnounced, changeList } from '../api/changes.ts';
import { ApiClient } from '../api/client.ts';
import { operator, readToken } from '../operator.ts';
import { print } from '../terminal/print.ts';

interface ListOptions {
  readonly api: string;
  readonly limit: number;
  readonly json?: boolean;
}

interface AnnounceOptions {
  readonly api: string;
  readonly kind: string;
  readonly attribute?: Readonly<Record<string, string>>;
  readonly host?: readonly string[];
  /** Microseconds since the Unix epoch. */
  readonly at?: number;
  readonly id?: string;
  readonly url?: string;
  readonly by?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

export async function listChanges({ api, limit, json }: ListOptions): Promise<void> {
  const changes = await new ApiClient(api).changes(limit);
  print(json, { changes }, (paper) => changeList(changes, Date.now() * 1000, paper));
}

export async function announce(summary: string, options: AnnounceOptions): Promise<void> {
  const { api, kind, attribute = {}, host = [], at = 0, id, url = '', by = operator(), json } = options;
  const wanted = {
    ...(id !== undefined && { id }),
    ...{ kind, summary, at_us: at, attributes: attribute, hosts: host, by, url },
  };
  const announced = await new ApiClient(api, readToken(options)).announce(wanted);
  print(json, { ...wanted, ...announced }, (paper) =>
    changeAnnounced({ ...wanted, id: announced.id }, paper),
  );
}
