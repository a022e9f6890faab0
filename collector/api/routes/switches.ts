/** GET and PUT /api/v1/switches: the sources that operators have switched off. */
import { checkEntry, collectorSubject, LONGEST_SWITCH_US } from '@netfall/proto';
import Type, { type Static } from 'typebox';
import { ApiError } from '../errors.ts';
import { failures, ref, type SwitchesSchema } from '../schemas.ts';
import type { ApiContext, ApiServer } from '../server.ts';
import { countConcerned, switchOf, switchView } from '../switch-view.ts';

type SwitchesView = Static<typeof SwitchesSchema>;

const Changed = Type.Object(
  {
    concerned: Type.Array(Type.Integer({ minimum: 0 }), {
      description: 'For each switch that was sent: the hosts that report, have its source and are concerned.',
    }),
  },
  { description: 'They are in force. Hosts obey within seconds.' },
);

export function switchesRoutes(
  app: ApiServer,
  { reader, status, admit, changeSwitches, clock }: ApiContext,
): void {
  app.get(
    '/api/v1/switches',
    {
      schema: {
        operationId: 'getSwitches',
        summary: 'The sources that are switched off',
        tags: ['sources'],
        response: {
          200: { ...ref<SwitchesView>('Switches'), description: 'All that are in force.' },
          ...failures(500),
        },
      },
    },
    async () => {
      const { sequence, by, switches } = reader.switches();
      return { version: sequence, by, switches: switches.map(switchView) };
    },
  );

  app.put(
    '/api/v1/switches',
    {
      schema: {
        operationId: 'putSwitches',
        summary: 'Switch sources off and on',
        description:
          'Replaces the whole set: read it, change it, send it back with the version that was read. When somebody else ' +
          'was first the answer is 409: begin again. Needs the operator’s token, or, where none is configured, a ' +
          'connection from the same machine.',
        tags: ['sources'],
        body: ref<SwitchesView>('Switches'),
        response: { 200: Changed, ...failures(400, 401, 403, 409, 500, 503) },
      },
      onRequest: async (request) => admit(request),
    },
    async (request) => {
      const { version, by, switches } = request.body;
      const nowUs = clock.nowUs();
      const late = switches.find(({ until_us }) => until_us > nowUs + LONGEST_SWITCH_US);
      if (late) {
        throw new ApiError(
          'invalid_request',
          `${late.source} would be off for over 14 days: choose an earlier until_us, and switch it off again then`,
        );
      }
      const wanted = switches.map(switchOf);
      const entry = { switches: { switches: wanted, by } };
      const bad = checkEntry(entry, collectorSubject(status().cell, 'switches'));
      if (bad) throw new ApiError('invalid_request', `these switches cannot stand in the log: ${bad}`);
      const appended =
        version === reader.switches().sequence &&
        (await changeSwitches(entry.switches, version).catch((error) => {
          throw new ApiError('log_unavailable', `the log did not take it (${messageOf(error)}): try again`);
        }));
      if (!appended) {
        throw new ApiError(
          'conflict',
          `the switches are no longer those of version ${version}: read /api/v1/switches again, then decide again`,
        );
      }
      const names = switches.map(({ source }) => source).join(', ');
      request.log.info(`switched off by ${by || 'somebody'}: ${names || 'nothing any more'}`);
      return { concerned: await countConcerned(reader, wanted) };
    },
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
