import dgram from 'node:dgram';
import { once } from 'node:events';
import { isIPv6, createServer, type Socket } from 'node:net';
import packet, { type Answer, type DecodedPacket, type Question } from 'dns-packet';

/** Addresses of both families by name, without the closing dot. */
type Zone = Readonly<Record<string, string[]>>;

/** Response codes, the low bits of the flags (RFC 1035 section 4.1.1). */
const rcode = { noError: 0, formatError: 1, noSuchName: 3 } as const;

const timeToLiveSeconds = 5;

/** The maximum UDP message size without EDNS (RFC 1035 section 4.2.1). */
const udpMessageBytes = 512;

/** Answers A and AAAA queries over UDP and TCP on all addresses; resolves when it listens. */
export async function serveDns(port: number, zone: Zone): Promise<void> {
  const udp = dgram.createSocket('udp6');
  udp.on('message', (message, client) => {
    const reply = answer(message, zone, udpMessageBytes);
    if (reply) udp.send(reply, client.port, client.address);
  });
  udp.bind(port, '::');
  const tcp = createServer((socket) => answerStream(socket, zone)).listen(port, '::');
  await Promise.all([once(udp, 'listening'), once(tcp, 'listening')]);
}

/** Over TCP each message has its length before it, in two bytes (RFC 1035 section 4.2.2). */
function answerStream(socket: Socket, zone: Zone): void {
  let pending = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (data: Buffer) => {
    pending = Buffer.concat([pending, data]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0);
      const reply = answer(pending.subarray(2, end), zone, 0xffff);
      pending = pending.subarray(end);
      if (!reply) return void socket.destroy();
      const length = Buffer.alloc(2);
      length.writeUInt16BE(reply.length);
      socket.write(Buffer.concat([length, reply]));
    }
  });
}

/**
 * The reply to a query, truncated to its question section with TC set if it exceeds `limit` bytes; undefined for
 * messages that are not queries.
 */
export function answer(message: Buffer, zone: Zone, limit: number): Buffer | undefined {
  const query = decode(message);
  if (query?.type !== 'query') return undefined;
  const [question] = query.questions ?? [];
  const { code, answers } = question ? lookUp(question, zone) : { code: rcode.formatError, answers: [] };
  const header = {
    type: 'response' as const,
    id: query.id ?? 0,
    flags: packet.AUTHORITATIVE_ANSWER | ((query.flags ?? 0) & packet.RECURSION_DESIRED) | code,
    questions: query.questions ?? [],
  };
  const reply = packet.encode({ ...header, answers });
  if (reply.length <= limit) return reply;
  return packet.encode({ ...header, flags: header.flags | packet.TRUNCATED_RESPONSE });
}

function decode(message: Buffer): DecodedPacket | undefined {
  try {
    return packet.decode(message);
  } catch {
    return undefined;
  }
}

function lookUp(question: Question, zone: Zone): { code: number; answers: Answer[] } {
  const { name, type } = question;
  const addresses = zone[name.toLowerCase()];
  if (!addresses) return { code: rcode.noSuchName, answers: [] };
  const wanted = addresses.filter((address) => type === (isIPv6(address) ? 'AAAA' : 'A'));
  return {
    code: rcode.noError,
    answers: wanted.map((data) => ({ type: type as 'A' | 'AAAA', name, ttl: timeToLiveSeconds, data })),
  };
}
