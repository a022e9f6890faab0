/** GET /api/v1/summary: the fleet in numbers. */
import type { Static } from 'typebox';
import { INCIDENT_STATES } from '../incident-schemas.ts';
import { failures, ref, type SummarySchema } from '../schemas.ts';
import type { ApiContext, ApiServer } from '../server.ts';

export function summaryRoute(app: ApiServer, { reader }: ApiContext): void {
  app.get(
    '/api/v1/summary',
    {
      schema: {
        operationId: 'getSummary',
        summary: 'Hosts by status, incidents by state, sources by state, losses by source and hop',
        description:
          'Hosts and losses are counted anew when the last count is stale; counted_us tells when that was.',
        tags: ['hosts', 'incidents'],
        response: {
          200: { ...ref<Static<typeof SummarySchema>>('Summary'), description: 'The numbers.' },
          ...failures(500),
        },
      },
    },
    async () => {
      const { countedUs, hosts, sources, losses, messagesLost } = await reader.fleetTotals();
      const counts = reader.countIncidents();
      return {
        counted_us: countedUs,
        hosts,
        incidents: Object.fromEntries(INCIDENT_STATES.map((state) => [state, counts[state] ?? 0])),
        sources: [...sources],
        losses: [...losses],
        messages_lost: messagesLost,
      };
    },
  );
}
