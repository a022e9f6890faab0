/** GET /api/v1/crashes/:id/log: what a record has of the dying kernel's log. */
import type { Blobs } from '@netfall/log';
import Type from 'typebox';
import { EvidenceError, MOST_LOG_BYTES, readCrashLog } from '../../evidence.ts';
import type { Crash, CrashRecord } from '../../fold/model.ts';
import { type CrashLog, logText, reportIn } from '../crash-log.ts';
import { ApiError } from '../errors.ts';
import { CrashId, failures, ref } from '../schemas.ts';
import type { ApiContext, ApiServer } from '../server.ts';
import { crashOr404 } from './crash.ts';

/** Logs that may be read at the same time: each takes a few times its length. */
const MOST_AT_ONCE = 8;
/** A log that has not come this long after its report does not come any more, µs. */
const COMES_WITHIN_US = 3_600_000_000;

const Query = Type.Object(
  {
    record: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 999,
        description: "Which of the crash's records, counted from 0; by default `best`.",
      }),
    ),
    format: Type.Unsafe<'text' | 'json'>({
      type: 'string',
      enum: ['text', 'json'],
      default: 'text',
      description: 'The text alone, or with what is known of it.',
    }),
  },
  { additionalProperties: false },
);

export function crashLogRoute(app: ApiServer, { reader, evidence, clock }: ApiContext): void {
  let reading = 0;
  app.get(
    '/api/v1/crashes/:id/log',
    {
      schema: {
        operationId: 'getCrashLog',
        summary: "A crash's log, with its holes visible",
        tags: ['crashes'],
        params: Type.Object({ id: CrashId }),
        querystring: Query,
        response: {
          200: {
            description: 'The log.',
            content: {
              'text/plain': { schema: Type.String() },
              'application/json': { schema: ref<CrashLog>('CrashLog') },
            },
          },
          ...failures(400, 404, 500, 502, 503),
        },
      },
    },
    async (request, reply) => {
      const crash = crashOr404(reader, request.params.id);
      const { index, record } = recordOf(crash, request.query.record);
      if (reading === MOST_AT_ONCE)
        throw new ApiError('too_many_requests', `${MOST_AT_ONCE} logs are being read: try again`);
      reading++;
      let bytes: Buffer;
      try {
        bytes = await logOf(evidence, crash, index, record, clock.nowUs());
      } finally {
        reading--;
      }
      const { source, digest, holes, unlisted_holes, wrap_at } = record;
      const { text, marks } = logText(bytes, record);
      if (request.query.format === 'text') return reply.type('text/plain; charset=utf-8').send(text);
      const about = { crash_id: crash.id, record: index, source, digest, bytes: bytes.length };
      const log: CrashLog = {
        ...about,
        holes,
        unlisted_holes,
        wrap_at,
        text,
        marks,
        report: reportIn(text),
      };
      return reply.type('application/json; charset=utf-8').send(log);
    },
  );
}

/** The record that is asked for, or the best. Throws ApiError `log_not_found`. */
function recordOf(crash: Crash, asked: number | undefined): { index: number; record: CrashRecord } {
  const { id, records, best } = crash;
  const index = asked ?? best ?? 0;
  const record = records[index];
  if (!record) {
    throw new ApiError(
      'log_not_found',
      `crash ${id} has no record ${index}: the last one is ${records.length - 1}`,
    );
  }
  if (record.digest === '') {
    throw new ApiError(
      'log_not_found',
      `only the first sign of crash ${id} has come from ${record.source} on ${record.hostname}: its log follows once ` +
        'nothing more of it comes; try again in a minute',
    );
  }
  return { index, record };
}

/** The bytes of a record's log. Throws ApiError. */
async function logOf(
  evidence: Pick<Blobs, 'get'>,
  { id }: Crash,
  index: number,
  record: CrashRecord,
  nowUs: number,
): Promise<Buffer> {
  const which = `the log of record ${index} of crash ${id}`;
  if (record.bytes > MOST_LOG_BYTES)
    throw new ApiError('log_corrupt', `${which} is over 16 MiB: no agent should report such a log`);
  let bytes: Buffer | null;
  try {
    bytes = await readCrashLog(evidence, record.digest);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (error instanceof EvidenceError)
      throw new ApiError(
        'log_corrupt',
        `${which} is not what ${record.hostname} reported (${why}): read another record`,
      );
    throw new ApiError('log_unavailable', `${which} cannot be read now (${why}): try again`);
  }
  if (bytes) return bytes;
  throw new ApiError(
    'log_not_found',
    nowUs - record.reported_us < COMES_WITHIN_US
      ? `${which} has not arrived yet: ${record.hostname} sends it; try again in a minute`
      : `${which} is not kept, or never arrived: read another record, or look on ${record.hostname}`,
  );
}
