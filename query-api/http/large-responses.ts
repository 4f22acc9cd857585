import type { CooperativeScheduler } from '@sonde/query/limits/cooperative-scheduler';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Arrays with more items are serialized in slices. */
const MAX_ITEMS_AT_ONCE = 100;

/** Number of items that are serialized between two yields. */
const ITEMS_PER_STEP = 50;

/** The parts of a response schema that are used here. */
interface ResponseSchema {
  readonly properties?: Readonly<Record<string, { readonly items?: object }>>;
}

/**
 * Serializes responses with large arrays in slices, in the client's share of the CPU, so that they do not block the event
 * loop. The result is the same as that of Fastify's serializer.
 */
export function encodeLargeResponses(server: FastifyInstance, scheduler: CooperativeScheduler): void {
  server.addHook('preSerialization', async (request, reply, payload) => {
    const schema = schemaOf(request, reply.statusCode);
    if (!schema || !isLarge(payload)) return payload;
    const task = encode(payload, schema, reply);
    const content = await scheduler.run(request.access.subject, task, request.disconnectSignal);
    // The declared type of serializers lacks buffers, which Fastify sends as they are.
    reply.type('application/json; charset=utf-8').serializer((() => content) as unknown as () => string);
    return content;
  });
}

function isLarge(payload: unknown): payload is Readonly<Record<string, unknown>> {
  if (typeof payload !== 'object' || payload === null) return false;
  return Object.values(payload).some((value) => Array.isArray(value) && value.length > MAX_ITEMS_AT_ONCE);
}

/** The JSON schema of a successful response, if it is an object's. */
function schemaOf(request: FastifyRequest, status: number): Required<ResponseSchema> | undefined {
  const { response } = request.routeOptions.schema ?? {};
  const declared = (response as Readonly<Record<string, unknown>> | undefined)?.[status] as
    | (ResponseSchema & { readonly content?: Readonly<Record<string, { readonly schema: ResponseSchema }>> })
    | undefined;
  const { properties } = declared?.content?.['application/json']?.schema ?? declared ?? {};
  return properties && { properties };
}

/** Serializes the declared properties of a payload in the order of the schema. */
function* encode(
  payload: Readonly<Record<string, unknown>>,
  { properties }: Required<ResponseSchema>,
  reply: FastifyReply,
): Generator<undefined, Buffer> {
  const chunks: Buffer[] = [];
  let text = '';
  for (const [name, schema] of Object.entries(properties)) {
    const value = payload[name];
    if (value === undefined) continue;
    text += `${text === '' && chunks.length === 0 ? '{' : ','}${JSON.stringify(name)}:`;
    if (!Array.isArray(value) || !schema.items) {
      text += serializer(reply, schema)(value);
      continue;
    }
    const serialize = serializer(reply, schema.items);
    text += '[';
    for (const [index, item] of (value as readonly unknown[]).entries()) {
      text += `${index === 0 ? '' : ','}${serialize(item)}`;
      if (index % ITEMS_PER_STEP < ITEMS_PER_STEP - 1) continue;
      chunks.push(Buffer.from(text));
      text = '';
      yield;
    }
    text += ']';
  }
  chunks.push(Buffer.from(`${text}}`));
  return Buffer.concat(chunks);
}

/** Fastify's serializer of a schema; compiled once per schema. */
function serializer(reply: FastifyReply, schema: object): (value: unknown) => string {
  return (reply.getSerializationFunction(schema as Readonly<Record<string, unknown>>) ??
    reply.compileSerializationSchema(schema as Readonly<Record<string, unknown>>)) as (
    value: unknown,
  ) => string;
}
