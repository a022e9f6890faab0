/**
 * A notification as a Slack message: Block Kit, pure. Source: Slack's Block Kit reference. Its limits hold for whatever
 * an incident says: a header has 150 characters, a text 3000, a field 2000, a section 10 fields, a message 50 blocks.
 */
import type { Incident, IncidentHost, Notification } from '../../fold/model.ts';
import { code, escapeText, moment } from './mrkdwn.ts';

const HEADER = 150;
const FIELD = 2000;
const HOSTS_SHOWN = 10;

interface Text {
  readonly type: 'mrkdwn' | 'plain_text';
  readonly text: string;
  readonly verbatim?: boolean;
  readonly emoji?: boolean;
}

export type Block =
  | { readonly type: 'header'; readonly text: Text }
  | { readonly type: 'section'; readonly text?: Text; readonly fields?: readonly Text[] }
  | { readonly type: 'context'; readonly elements: readonly Text[] };

export interface SlackMessage {
  /** What is shown where blocks are not: the line on a lock screen. */
  readonly text: string;
  readonly blocks: readonly Block[];
  /** Only attachments have a colour. */
  readonly attachments: readonly { readonly color: string; readonly blocks: readonly Block[] }[];
}

export interface MessageOptions {
  readonly publicUrl?: string;
  explain?(reason: string, fn: string): string | undefined;
}

const LOOKS = {
  info: { color: '#2f6fb3', emoji: ':information_source:' },
  warning: { color: '#b7791f', emoji: ':warning:' },
  critical: { color: '#b42318', emoji: ':rotating_light:' },
  resolved: { color: '#2e7d4f', emoji: ':white_check_mark:' },
} as const;

export function slackMessage(notification: Notification, options: MessageOptions = {}): SlackMessage {
  const { incident, kind } = notification;
  const look = kind === 'resolved' ? LOOKS.resolved : LOOKS[incident.severity];
  const word = kind === 'resolved' ? 'Resolved' : 'Firing';
  const title = escapeText(incident.title, FIELD);
  return {
    text: `${look.emoji} ${word}: ${title}`,
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: header(incident, look.emoji, word), emoji: true } },
    ],
    attachments: [
      {
        color: look.color,
        blocks: [
          section(link(title, incident.id, options.publicUrl)),
          { type: 'section', fields: fields(notification) },
          ...meaning(incident, options),
          ...hosts(incident, kind),
          {
            type: 'context',
            elements: [
              mrkdwn(
                `Incident ${code(incident.id, FIELD / 2)} · notification ${code(notification.id, FIELD / 2)}`,
              ),
            ],
          },
        ],
      },
    ],
  };
}

function header({ signal }: Incident, emoji: string, word: string): string {
  const start = `${emoji} ${word}: `;
  const what = signal.function === '' ? signal.reason : `${signal.reason} in ${signal.function}`;
  return start + escapeText(what, HEADER - start.length);
}

function link(title: string, incidentId: string, publicUrl: string | undefined): string {
  if (publicUrl === undefined) return `*${title}*`;
  const url = `${publicUrl.replace(/\/+$/, '')}/#${encodeURIComponent(incidentId)}`;
  return `*${title}*\n<${url}|Open the incident>`;
}

function fields({ incident, kind }: Notification): Text[] {
  const { severity, signal, hosts_total, started_us, last_us, regression_of } = incident;
  const list = [
    field('Severity', severity),
    field('Hosts', String(hosts_total)),
    field('Since', moment(started_us)),
  ];
  if (kind === 'resolved') list.push(field('Lasted', duration(last_us - started_us)));
  list.push(field('Reason', code(signal.reason, FIELD / 2)));
  if (signal.function !== '') list.push(field('Function', code(signal.function, FIELD / 2)));
  if (regression_of !== '') list.push(field('Came back after', code(regression_of, FIELD / 2)));
  return list;
}

function meaning({ signal }: Incident, { explain }: MessageOptions): Block[] {
  const text = explain?.(signal.reason, signal.function);
  return text ? [section(`*What it means*\n${escapeText(text, FIELD)}`)] : [];
}

/** The worst hosts first; of a resolved incident they are history, of a firing one those that are affected. */
function hosts({ hosts: all, hosts_total }: Incident, kind: Notification['kind']): Block[] {
  const listed = kind === 'firing' ? all.filter(({ active }) => active) : all;
  if (listed.length === 0) return [];
  const worst = listed.toSorted((a, b) => b.peak_rate - a.peak_rate || (a.host_id < b.host_id ? -1 : 1));
  const lines = worst.slice(0, HOSTS_SHOWN).map(hostLine);
  const more = (kind === 'firing' ? hosts_total - (all.length - listed.length) : hosts_total) - lines.length;
  if (more > 0) lines.push(`… and ${more} more`);
  return [section(lines.join('\n'))];
}

function hostLine({ hostname, host_id, peak_rate, baseline_rate }: IncidentHost): string {
  const name = code(hostname, 100) || code(host_id, 100);
  return `• ${name} up to ${peak_rate}/s, usually ${baseline_rate}/s`;
}

function field(name: string, value: string): Text {
  return mrkdwn(`*${name}*\n${value}`);
}

function section(text: string): Block {
  return { type: 'section', text: mrkdwn(text) };
}

/** Verbatim: names that look like channels, people or addresses are not made into links. */
function mrkdwn(text: string): Text {
  return { type: 'mrkdwn', text, verbatim: true };
}

function duration(us: number): string {
  const seconds = Math.max(0, Math.round(us / 1_000_000));
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}
