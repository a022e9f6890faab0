/**
 * Text for Slack: everything that comes from a host is data, never markup. Source: Slack's "Formatting text for app
 * surfaces": `&`, `<` and `>` are the only control characters, written as entities. Knows nothing of incidents.
 */

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/**
 * Escapes `text` for Slack on one line, cut with an ellipsis so that the result has at most `limit` UTF-16 units. Never
 * cuts an entity or a character in two.
 */
export function escapeText(text: string, limit: number): string {
  let out = '';
  let cut = 0;
  for (const raw of text.toWellFormed()) {
    const character = raw < ' ' || raw === '\u007f' ? ' ' : (ENTITIES[raw] ?? raw);
    if (out.length + character.length > limit) return `${out.slice(0, cut)}…`;
    out += character;
    if (out.length < limit) cut = out.length;
  }
  return out;
}

/** Escaped text in a fixed-width font, at most `limit` UTF-16 units with its backticks. */
export function code(text: string, limit: number): string {
  const inside = escapeText(text.replaceAll('`', "'"), limit - 2).trim();
  return inside === '' ? '' : `\`${inside}\``;
}

/** A moment that Slack shows in the reader's own time zone. */
export function moment(us: number): string {
  const seconds = Math.floor(us / 1_000_000);
  return `<!date^${seconds}^{date_short_pretty} {time_secs}|${new Date(seconds * 1000).toISOString()}>`;
}
