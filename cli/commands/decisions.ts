/** `netfall incidents ack|resolve|comment`: what an operator decides about an incident. */
import { ApiClient, type Decision } from '../api/client.ts';
import { operator, readToken } from '../operator.ts';
import { print } from '../terminal/print.ts';
import { clean } from '../terminal/text.ts';

interface DecideOptions {
  readonly api: string;
  readonly by?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

interface WithComment extends DecideOptions {
  readonly comment?: string;
}

export function acknowledge(id: string, options: WithComment): Promise<void> {
  return decide(id, 'acknowledge', options.comment ?? '', options, 'is acknowledged');
}

export function resolve(id: string, options: WithComment): Promise<void> {
  return decide(id, 'resolve', options.comment ?? '', options, 'is resolved');
}

export function comment(id: string, text: string, options: DecideOptions): Promise<void> {
  return decide(id, 'comment', text, options, 'has the comment');
}

async function decide(
  id: string,
  decision: Decision,
  words: string,
  options: DecideOptions,
  done: string,
): Promise<void> {
  const { api, by = operator(), json } = options;
  const sequence = await new ApiClient(api, readToken(options)).decide(id, decision, { by, comment: words });
  print(json, { incident_id: id, sequence, by, comment: words }, () => [`${id} ${done}, by ${clean(by)}.`]);
}
