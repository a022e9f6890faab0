/** GET /api/v1/crashes/signatures: crashes by signature, and what signatures of another version would make of them. */
import { setImmediate } from 'node:timers/promises';
import { SIGNATURE_VERSION, signatureOf, signatureVersions } from '@netfall/crash';
import Type from 'typebox';
import { type CrashGroup, changesOf, type Resigned, type SignaturePreview } from '../crash-groups.ts';
import { readGroupCursor, writeGroupCursor } from '../cursor.ts';
import { ApiError } from '../errors.ts';
import { Cursor, failures, Limit, pageOf, ref, Signature } from '../schemas.ts';
import type { ApiContext, ApiServer } from '../server.ts';

/** Crashes that are signed anew in one turn of the event loop. */
const SIGNED_A_TURN = 200;

const ListQuery = Type.Object(
  { signature: Type.Optional(Signature), limit: Limit, cursor: Type.Optional(Cursor) },
  { additionalProperties: false },
);
const PreviewQuery = Type.Object(
  {
    version: Type.Integer({ minimum: 1, maximum: 0xffff_ffff, description: 'The version of signatures.' }),
  },
  { additionalProperties: false },
);

export function crashGroupsRoutes(app: ApiServer, { reader }: ApiContext): void {
  app.get(
    '/api/v1/crashes/signatures',
    {
      schema: {
        operationId: 'listCrashGroups',
        summary: 'Crashes by signature',
        tags: ['crashes'],
        querystring: ListQuery,
        response: {
          200: pageOf(
            'groups',
            ref<CrashGroup>('CrashGroup'),
            'By the moment of the last crash, newest first.',
          ),
          ...failures(400, 500),
        },
      },
    },
    async (request) => {
      const { signature, limit, cursor } = request.query;
      const { items, next } = reader.crashes.listGroups({
        limit,
        ...(signature !== undefined && { signature }),
        ...(cursor !== undefined && { after: readGroupCursor(cursor) }),
      });
      return { groups: items, next_cursor: next && writeGroupCursor(next) };
    },
  );
  app.get(
    '/api/v1/crashes/signatures/preview',
    {
      schema: {
        operationId: 'previewSignatures',
        summary: 'What other signatures would merge or split',
        tags: ['crashes'],
        querystring: PreviewQuery,
        response: {
          200: { ...ref<SignaturePreview>('SignaturePreview'), description: 'What would change.' },
          ...failures(400, 500),
        },
      },
    },
    async (request) => {
      const { version } = request.query;
      const known = signatureVersions.find((one) => one.version === version);
      if (!known) {
        const versions = signatureVersions.map((one) => one.version).join(', ');
        throw new ApiError(
          'unknown_signature_version',
          `there is no version ${version} of signatures: ask for one of ${versions}`,
        );
      }
      const resigned: Resigned[] = [];
      for (const { signature, summary } of reader.crashes.summaries()) {
        resigned.push({ before: signature, after: signatureOf(summary, version), title: summary.title });
        if (resigned.length % SIGNED_A_TURN === 0) await setImmediate();
      }
      const about = { version, current_version: SIGNATURE_VERSION, meaning: known.meaning };
      return { ...about, ...changesOf(resigned) };
    },
  );
}
