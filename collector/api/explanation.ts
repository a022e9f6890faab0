/** What the API says of a name of the catalog: schemas, and the links by which other answers lead there. */
import { explain } from '@netfall/catalog/explain';
import Type from 'typebox';

const text = (description: string) => Type.String({ description });
const texts = (description: string) => Type.Array(Type.String(), { description });
const only = (description: string) => Type.Literal(true, { description });

const place = {
  function: Type.Optional(text('Only in this function of the kernel.')),
  protocol: Type.Optional(text('Only of this protocol: IPv4, IPv6, ARP.')),
  sometimes: Type.Optional(only('Only some of the drops are counted.')),
};
const CountedBy = Type.Object({ counter: text('As nstat names it.'), ...place });

const rules = {
  lost: Type.Enum(['always', 'sometimes', 'never'], {
    description: 'Whether what it counts is a packet that its receiver did not get.',
  }),
  alarm: Type.Union([Type.Integer({ minimum: 0 }), Type.Literal('never')], {
    description: 'Events a second on one host from which it is alarming.',
  }),
  layer: Type.Enum(['device', 'host', 'link', 'qdisc', 'filter', 'network', 'transport', 'socket'] as const, {
    description: 'Where in the stack.',
  }),
  direction: Type.Enum(['receive', 'transmit', 'forward', 'any'] as const, {
    description: 'Of the packets.',
  }),
  severity: Type.Enum(['info', 'warning', 'critical'], { description: 'Of the alarm.' }),
  means: text('In a sentence or a few.'),
};

export const ExplanationSchema = Type.Object(
  {
    name: text('As the kernel has it, without SKB_DROP_REASON_.'),
    kind: Type.Enum(['reason', 'counter', 'trap'], { description: 'What has the name.' }),
    found_in: text('Where the name is to be seen.'),
    ...rules,
    condition: Type.Optional(text('When it is a lost packet, and when not.')),
    since: Type.Optional(text('The first release of Linux that has it.')),
    until: Type.Optional(text('The last one.')),
    aliases: Type.Optional(texts('Its names in other releases.')),
    see: Type.Optional(texts('What else to look at.')),
    causes: Type.Optional(
      Type.Array(
        Type.Object({
          cause: text('What is wrong.'),
          tell: Type.Array(Type.Object({ run: text('A command.'), shows: text('What it shows then.') }), {
            description: 'How to know that it is this one.',
          }),
          mend: text('What to do.'),
        }),
        { description: 'The likeliest first.' },
      ),
    ),
    counted_by: Type.Optional(Type.Array(CountedBy, { description: 'The counters that count such drops.' })),
    places: Type.Optional(
      Type.Record(
        Type.String(),
        Type.Object({
          ...Type.Partial(Type.Object(rules)).properties,
          condition: Type.Optional(text('When it is a lost packet there.')),
          counted_by: Type.Optional(Type.Array(CountedBy)),
        }),
        { description: 'What differs in some functions.' },
      ),
    ),
    counts: Type.Optional(
      Type.Array(Type.Object({ reason: text('Of the drops.'), ...place }), {
        description: 'The reasons whose drops it counts.',
      }),
    ),
    part_of: Type.Optional(texts('Counters that count the same once more, as a sum.')),
    parts: Type.Optional(texts('What it is a sum of.')),
    unseen: Type.Optional(only('It counts what never becomes a drop event.')),
    gauge: Type.Optional(only('A level or a setting.')),
    group: Type.Optional(text("A trap's group.")),
    reason: Type.Optional(text("The reason that the kernel's own path would have given.")),
  },
  { $id: 'Explanation', description: 'What a drop reason, counter or trap means.' },
);

/** Where the API tells what a name means; empty when the catalog does not have it. */
export function explanationLink(name: string): string {
  return explain(name) ? `/api/v1/explain/${encodeURIComponent(name)}` : '';
}
