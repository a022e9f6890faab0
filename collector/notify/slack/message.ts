/**
 * A notification as a Slack message: Block Kit, pure. Source: Slack's Block Kit reference. Its limits hold for whatever
 * an incident says: a header has 150 characters, a text 3000, a field 2000, a section 10 fields, a message 50 blocks.
 */
import type { AttributeValue, Incident, IncidentHost, Notification, Signal } from '../../fold/model.ts';
import { nextCheckOf, sentenceOf } from '../../fold/words.ts';
import { code, escapeText, moment } from './mrkdwn.ts';

const HEADER = 150;
const FIELD = 2000;
const HOSTS_SHOWN = 10;
/** Of equal and rival explanations, and of hosts that tell them apart. */
const MOST_NAMED = 3;

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
  meaning?(signal: Signal): string;
}

const LOOKS = {
  info: { color: '#2f6fb3', emoji: ':information_source:' },
  warning: { color: '#b7791f', emoji: ':warning:' },
  critical: { color: '#b42318', emoji: ':rotating_light:' },
  resolved: { color: '#2e7d4f', emoji: ':white_check_mark:' },
} as const;

const WORDS = { firing: 'Firing', escalated: 'Worse', resolved: 'Resolved' } as const;

export function slackMessage(notification: Notification, options: MessageOptions = {}): SlackMessage {
  const { incident, kind } = notification;
  const look = kind === 'resolved' ? LOOKS.resolved : LOOKS[incident.severity];
  const word = incident.state === 'merged' ? 'Merged' : WORDS[kind];
  const start = `${look.emoji} ${word}: `;
  const header = start + escapeText(incident.title, HEADER - start.length);
  return {
    text: start + escapeText(incident.title, FIELD),
    blocks: [{ type: 'header', text: { type: 'plain_text', text: header, emoji: true } }],
    attachments: [
      {
        color: look.color,
        blocks: [
          section(sentence(incident, options)),
          { type: 'section', fields: fields(notification) },
          ...explanation(incident),
          ...(kind === 'resolved' ? [] : nextCheck(incident)),
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

/** Of the web, and without what Slack would take for the link's end. */
const IS_ADDRESS = /^https?:\/\/[^\s<>|"]+$/;

function sentence(incident: Incident, { publicUrl }: MessageOptions): string {
  const said = escapeText(sentenceOf(incident), FIELD);
  const { runbook } = incident;
  const links = IS_ADDRESS.test(runbook) ? [`<${runbook.replaceAll('&', '&amp;')}|Runbook>`] : [];
  if (publicUrl !== undefined) {
    const url = `${publicUrl.replace(/\/+$/, '')}/#incident/${encodeURIComponent(incident.id)}`;
    links.unshift(`<${url}|Open the incident>`);
  }
  return links.length === 0 ? said : `${said}\n${links.join(' · ')}`;
}

function fields({ incident, kind }: Notification): Text[] {
  const { severity, hosts_total, fleet, started_us, last_us, regression_of, cause, merged_into } = incident;
  const list = [
    field('Severity', severity),
    field('Hosts', fleet > hosts_total ? `${hosts_total} of ${fleet} in the fleet` : String(hosts_total)),
    field('Since', moment(started_us)),
  ];
  if (kind === 'resolved') list.push(field('Lasted', duration(last_us - started_us)));
  if (merged_into !== '') list.push(field('Is part of', code(merged_into, FIELD / 2)));
  if (regression_of !== '') list.push(field('Came back after', code(regression_of, FIELD / 2)));
  if (cause) list.push(field('Comes of', code(cause.incident_id, FIELD / 2)));
  return list;
}

/** What its hosts have in common, against all others, and what would explain it as well. */
function explanation({ explanation: found }: Incident): Block[] {
  if (!found || found.items.length === 0) return [];
  const { items, affected, covered, others_affected, others, equivalents, rivals } = found;
  const lines = [
    `*In common* ${itemsOf(items)}: ${affected} of ${covered}, of all others ${others_affected} of ${others}`,
    ...equivalents.slice(0, MOST_NAMED).map((same) => `*Just as well* ${itemsOf(same)}: the same hosts`),
    ...rivals
      .slice(0, MOST_NAMED)
      .map((rival) => `*Nearly as well* ${itemsOf(rival.items)}: ${rival.affected} of ${rival.covered}`),
  ];
  return [section(lines.join('\n'))];
}

function itemsOf(items: readonly AttributeValue[]): string {
  return items
    .slice(0, MOST_NAMED)
    .map(({ attribute, value }) => code(`${attribute}=${value}`, 80))
    .join(' ');
}

function nextCheck(incident: Incident): Block[] {
  const check = nextCheckOf(incident);
  return check === '' ? [] : [section(`*Next check*\n${escapeText(check, FIELD)}`)];
}

function meaning({ signal }: Incident, { meaning: of }: MessageOptions): Block[] {
  const text = of?.(signal);
  return text ? [section(`*What it means*\n${escapeText(text, FIELD)}`)] : [];
}

/** The worst hosts first; of a resolved incident they are history, of others those that are affected. */
function hosts({ hosts: all, hosts_total }: Incident, kind: Notification['kind']): Block[] {
  const listed = kind === 'resolved' ? all : all.filter(({ active }) => active);
  if (listed.length === 0) return [];
  const worst = listed.toSorted(
    (a, b) => b.crashes - a.crashes || b.peak_rate - a.peak_rate || (a.host_id < b.host_id ? -1 : 1),
  );
  const lines = worst.slice(0, HOSTS_SHOWN).map(hostLine);
  const more =
    (kind === 'resolved' ? hosts_total : hosts_total - (all.length - listed.length)) - lines.length;
  if (more > 0) lines.push(`… and ${more} more`);
  return [section(lines.join('\n'))];
}

function hostLine({ hostname, host_id, crashes, peak_rate, baseline_rate }: IncidentHost): string {
  const name = code(hostname, 100) || code(host_id, 100) || 'a host that is not known';
  if (crashes > 0) return `• ${name} ${crashes === 1 ? 'crashed' : `crashed ${crashes} times`}`;
  return peak_rate === 0 ? `• ${name}` : `• ${name} up to ${peak_rate}/s, usually ${baseline_rate}/s`;
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
