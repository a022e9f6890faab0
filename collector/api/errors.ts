/** Every error that the API answers with: its code, its status and how it is written. */
import Type from 'typebox';

const STATUS = {
  invalid_request: 400,
  invalid_cursor: 400,
  unknown_signature_version: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  incident_not_found: 404,
  host_not_found: 404,
  name_not_found: 404,
  crash_not_found: 404,
  log_not_found: 404,
  silence_not_found: 404,
  conflict: 409,
  too_large: 413,
  unsupported_media_type: 415,
  internal: 500,
  log_corrupt: 502,
  not_ready: 503,
  log_unavailable: 503,
  too_many_streams: 503,
  too_many_requests: 503,
} as const;

export type ApiErrorCode = keyof typeof STATUS;

/** The body of every answer that is not a success. */
export const ErrorBody = Type.Object(
  {
    error: Type.Object({
      code: Type.String({ enum: Object.keys(STATUS), description: 'For programs.' }),
      message: Type.String({ description: 'For people: one line that names the thing and the mend.' }),
    }),
  },
  { $id: 'Error', description: 'Why a request was not answered.' },
);

export class ApiError extends Error {
  readonly code: ApiErrorCode;
  constructor(code: ApiErrorCode, message: string) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
  }

  get status(): number {
    return STATUS[this.code];
  }

  get body(): Type.Static<typeof ErrorBody> {
    return { error: { code: this.code, message: this.message } };
  }
}

/** What the server's framework knows of an error. */
interface ServerError {
  readonly code?: string;
  readonly statusCode?: number;
  readonly message: string;
  readonly validation?: readonly {
    readonly instancePath: string;
    readonly message?: string;
    readonly params: Record<string, unknown>;
  }[];
}

/** Makes a coded error of whatever was thrown while a request was answered. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const { statusCode = 500, validation, message } = error as ServerError;
  if (validation) return new ApiError('invalid_request', describe(validation));
  if (statusCode === 413) return new ApiError('too_large', 'the request is too large: send less at once');
  if (statusCode === 415)
    return new ApiError('unsupported_media_type', 'the body has another type: send application/json');
  if (statusCode >= 400 && statusCode < 500) return new ApiError('invalid_request', oneLine(message));
  return new ApiError('internal', "the request failed inside the collector: its log says why, under 'api'");
}

function describe(validation: NonNullable<ServerError['validation']>): string {
  const first = validation[0];
  if (!first) return 'the request does not match its schema: /openapi.json describes it';
  const unknown = first.params['additionalProperty'];
  if (typeof unknown === 'string')
    return `unknown parameter ${oneLine(unknown)}: /openapi.json lists the known ones`;
  const allowed = first.params['allowedValues'];
  const values = Array.isArray(allowed) ? ` (${allowed.join(', ')})` : '';
  const name = first.instancePath.slice(1).replaceAll('/', '.');
  return `parameter ${name === '' ? 'missing' : name} ${oneLine(first.message ?? 'is wrong')}${values}`;
}

/** What came from outside, fit for a line of text. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, 200);
}
