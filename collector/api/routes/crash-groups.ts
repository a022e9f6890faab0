/** GET /api/v1/crashes/signatures: crashes by signature, and what signatures of another version would make of them. */
import { setImmediate } from 'node:timers/promises';
import { SIGNATURE_VERSION, signatureOf, signatureVersions } from '@netfall/crash';
import Type from 'typebox';
import { type CrashGroup, changesOf, type Resigned, type SignaturePreview } from '../crash-groups.ts';
import type { CrashReader } from '../crash-reader.ts';
import { readGroupCursor, writeGroupCursor } from '../cursor.ts';
import { ApiError } from '../errors.ts';
import { Cursor, failures, Limit, pageOf, ref, Signature } from '../schemas.ts';
import type { ApiContext, ApiServer } from '../server.ts';

/** Crashes that are read and signed anew in one turn of the event loop, which has other requests to answer. */
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
  let isPreviewing = false;
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
          ...failures(400, 500, 503),
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
      if (isPreviewing) throw new ApiError('too_many_requests', 'a preview is being made: try again');
      isPreviewing = true;
      try {
        const resigned = await resign(reader.crashes, version);
        const about = { version, current_version: SIGNATURE_VERSION, meaning: known.meaning };
        return { ...about, ...changesOf(resigned) };
      } finally {
        isPreviewing = false;
      }
    },
  );
}

/** What all crashes with a reading are signed by, and would be. Those that change or go meanwhile may be missing. */
async function resign(crashes: CrashReader, version: number): Promise<readonly Resigned[]> {
  const resigned = new Map<string, Resigned>();
  let some = crashes.listStacks(SIGNED_A_TURN);
  for (let last = some.at(-1); last; last = some.at(-1)) {
    for (const { id, signature, summary, guilty, frames } of some) {
      const after = signatureOf({ ...summary, guilty, frames }, version);
      resigned.set(id, { before: signature, after, title: summary.title });
    }
    await setImmediate();
    some = crashes.listStacks(SIGNED_A_TURN, last);
  }
  return [...resigned.values()];
}
