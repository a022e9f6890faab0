/** GET /api/v1/explain and /api/v1/explain/:name: what drop reasons, counters and traps mean, by the catalog. */
import { type Explanation, explain, search } from '@netfall/catalog/explain';
import Type from 'typebox';
import { ApiError } from '../errors.ts';
import { failures, ref } from '../schemas.ts';
import type { ApiServer } from '../server.ts';

const MOST_SUGGESTED = 3;

const Matches = Type.Object(
  {
    matches: Type.Array(
      Type.Object({
        name: Type.String({ description: 'As the catalog has it.' }),
        means: Type.String({ description: 'In a sentence or a few.' }),
      }),
      {
        description: 'Names that have all words, then those whose meaning has them; the shorter, the sooner.',
      },
    ),
  },
  { description: 'What was found.' },
);

export function explainRoutes(app: ApiServer): void {
  app.get(
    '/api/v1/explain/:name',
    {
      schema: {
        operationId: 'explainName',
        summary: 'What a name means',
        tags: ['catalog'],
        params: Type.Object({
          name: Type.String({
            minLength: 1,
            maxLength: 128,
            description:
              'A drop reason, counter or devlink trap, or its name in another release; case does not matter.',
          }),
        }),
        response: {
          200: { ...ref<Explanation>('Explanation'), description: 'The entry.' },
          ...failures(400, 404, 500),
        },
      },
    },
    async (request) => {
      const { name } = request.params;
      const explanation = explain(name);
      if (explanation) return explanation;
      const near = search(name).slice(0, MOST_SUGGESTED);
      const mend =
        near.length > 0
          ? `did you mean ${near.join(' or ')}?`
          : '/api/v1/explain?q=WORDS finds parts of names';
      throw new ApiError('name_not_found', `the catalog has no ${JSON.stringify(name)}: ${mend}`);
    },
  );
  app.get(
    '/api/v1/explain',
    {
      schema: {
        operationId: 'searchNames',
        summary: 'Names by their parts or meaning',
        tags: ['catalog'],
        querystring: Type.Object(
          {
            q: Type.String({
              minLength: 1,
              maxLength: 128,
              description: 'Words, all of which have to be there.',
            }),
          },
          { additionalProperties: false },
        ),
        response: { 200: Matches, ...failures(400, 500) },
      },
    },
    async (request) => ({
      matches: search(request.query.q).map((name) => ({ name, means: explain(name)?.means ?? '' })),
    }),
  );
}
