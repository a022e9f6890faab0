/** The configuration of who is told, and the sinks that come of it. */
import { readFileSync } from 'node:fs';
import Type from 'typebox';
import type { Signal } from '../fold/model.ts';
import type { Sink } from './sink.ts';
import { createSlackSink } from './slack/sink.ts';

export const NotifyConfig = Type.Array(
  Type.Object(
    {
      name: Type.String({
        pattern: '^[A-Za-z0-9_-]{1,64}$',
        description:
          'Names the sink in incidents, metrics and logs. Every collector of a cell must have the same ones.',
      }),
      type: Type.Unsafe<'slack'>({
        type: 'string',
        enum: ['slack'],
        description: 'What kind of service it is.',
      }),
      url_file: Type.Optional(
        Type.String({
          minLength: 1,
          description: 'A file whose first line is the webhook URL, which is a secret.',
        }),
      ),
      url_env: Type.Optional(
        Type.String({ minLength: 1, description: 'Or the environment variable that holds it.' }),
      ),
    },
    { additionalProperties: false },
  ),
  { default: [], maxItems: 32, description: 'Who is told of incidents.' },
);
export type NotifyConfig = Type.Static<typeof NotifyConfig>;

/** The configuration cannot be used, in words that name the sink and the mend. They never hold the URL. */
export class NotifyConfigError extends Error {
  readonly code = 'bad_notify_config';
  constructor(message: string) {
    super(message);
    this.name = 'NotifyConfigError';
  }
}

export interface SinkOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readFile?(path: string): string;
  /** Where people reach the page, e.g. "https://netfall.example.net"; without it messages hold no link. */
  readonly publicUrl?: string;
  /** What a signal means, in a sentence. */
  meaning?(signal: Signal): string;
}

/** Reads the secrets and makes the sinks. Throws NotifyConfigError. */
export function createSinks(config: NotifyConfig, options: SinkOptions = {}): Sink[] {
  const names = new Set<string>();
  return config.map((entry) => {
    const { name } = entry;
    if (names.has(name)) throw new NotifyConfigError(`two sinks are named ${name}: give each its own name`);
    names.add(name);
    const url = checkUrl(readUrl(entry, options), name);
    return createSlackSink({
      name,
      url,
      ...(options.publicUrl !== undefined && { publicUrl: options.publicUrl }),
      ...(options.meaning && { meaning: options.meaning }),
    });
  });
}

function readUrl({ name, url_file, url_env }: NotifyConfig[number], options: SinkOptions): string {
  if ((url_file === undefined) === (url_env === undefined)) {
    throw new NotifyConfigError(`sink ${name} needs exactly one of url_file and url_env`);
  }
  if (url_env !== undefined) {
    const value = (options.env ?? process.env)[url_env]?.trim();
    if (value) return value;
    throw new NotifyConfigError(`sink ${name}: set the environment variable ${url_env} to the webhook URL`);
  }
  const path = url_file as string;
  const readFile = options.readFile ?? ((file: string) => readFileSync(file, 'utf8'));
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new NotifyConfigError(`sink ${name}: ${path} cannot be read (${why}): put the webhook URL in it`);
  }
  const line = text.split('\n')[0]?.trim();
  if (line) return line;
  throw new NotifyConfigError(`sink ${name}: the first line of ${path} is empty: put the webhook URL in it`);
}

/** The URL is a password: it travels encrypted, or not beyond this machine. */
function checkUrl(text: string, name: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const local = url?.hostname === 'localhost' || url?.hostname === '127.0.0.1' || url?.hostname === '[::1]';
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && local)) return url;
  throw new NotifyConfigError(`sink ${name}: the webhook URL is not an https URL: copy it from Slack again`);
}
