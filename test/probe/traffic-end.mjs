/**
 * A client or server for test traffic, run inside a network namespace. A server prints "ready" and runs until it is
 * killed; a client exits when it is done. The first argument selects the mode:
 *
 *   tcp-server ADDRESS PORT               replies with as many bytes as the first four bytes of a connection state
 *   tcp-clients ADDRESS PORT COUNT SIZE   COUNT connections one at a time, SIZE bytes each way
 *   tcp-chatter ADDRESS PORT LINES MS     one connection; the server (tcp-talker) sends a line every MS milliseconds
 *   tcp-talker ADDRESS PORT LINES MS      the server of tcp-chatter
 *   tcp-keeper ADDRESS PORT MS            one connection with keepalives every second; ends after MS
 *   tcp-last ADDRESS PORT MS              one connection; ends MS after the server closed it
 *   tcp-try ADDRESS PORT MS               one attempt; ends after MS milliseconds without a response
 *   udp-server ADDRESS PORT               echoes datagrams
 *   udp-client ADDRESS PORT COUNT SIZE [FROM]  COUNT datagrams, waits for each response
 *   udp-blind ADDRESS PORT COUNT SIZE [FROM [FROMPORT]]  COUNT datagrams without waiting for responses
 *   tls-client ADDRESS PORT SERVERNAME    starts a TLS handshake, which tcp-sink does not answer
 *   tcp-sink ADDRESS PORT                 closes a connection after the first data
 *   dns-server ADDRESS PORT               answers each query over UDP and TCP with 192.0.2.7 and 2001:db8::7
 *   dns-client ADDRESS PORT NAME tcp|udp  one query of type A
 *   udp-spread ADDRESS PORT FLOWS COUNT   COUNT datagrams, round robin to FLOWS ports from PORT on
 */
import dgram from 'node:dgram';
import net from 'node:net';
import tls from 'node:tls';
import { setTimeout, clearTimeout } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';

const [mode, address, portText, ...numbers] = process.argv.slice(2);
const port = Number(portText);
const [first = 0, second = 0] = numbers.map(Number);

const modes = {
  'tcp-server': tcpServer,
  'tcp-clients': tcpClients,
  'tcp-talker': tcpTalker,
  'tcp-chatter': tcpChatter,
  'tcp-keeper': tcpKeeper,
  'tcp-last': tcpLast,
  'tcp-try': tcpTry,
  'udp-server': udpServer,
  'udp-client': udpClient,
  'udp-blind': udpBlind,
  'udp-spread': udpSpread,
  'tls-client': tlsClient,
  'tcp-sink': tcpSink,
  'dns-server': dnsServer,
  'dns-client': dnsClient,
};
await modes[mode]();

function tcpServer() {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    let wanted;
    let received = 0;
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      wanted ??= data.readUInt32BE(0);
      received += data.length;
      if (received >= wanted) socket.end(Buffer.alloc(wanted));
    });
  });
  server.listen({ host: address, port, backlog: 4096 }, ready);
}

async function tcpClients() {
  const [count, size] = [first, second];
  for (let i = 0; i < count; i++) {
    await new Promise((resolve, reject) => {
      const socket = net.connect(port, address);
      const request = Buffer.alloc(Math.max(4, size));
      request.writeUInt32BE(request.length);
      socket.on('error', reject);
      socket.on('connect', () => socket.write(request));
      socket.on('data', () => undefined);
      socket.on('close', resolve);
    });
  }
}

function tcpTalker() {
  const [lines, intervalMs] = [first, second];
  const server = net.createServer(async (socket) => {
    socket.on('data', () => undefined);
    // A client that is killed resets its connection; the server goes on for the next one.
    socket.on('error', () => undefined);
    for (let i = 0; i < lines && !socket.destroyed; i++) {
      socket.write('line\n');
      await sleep(intervalMs);
    }
    socket.end();
  });
  server.listen({ host: address, port }, ready);
}

function tcpChatter() {
  const socket = net.connect(port, address);
  socket.once('data', ready);
  socket.on('data', () => undefined);
}

async function tcpKeeper() {
  const socket = net.connect(port, address);
  socket.setKeepAlive(true, 1000);
  await sleep(first);
  socket.end();
}

async function tcpLast() {
  const socket = net.connect({ port, host: address, allowHalfOpen: true });
  socket.write('anything');
  await new Promise((resolve) => socket.resume().once('end', resolve));
  await sleep(first);
  socket.end();
}

function tcpTry() {
  const socket = net.connect(port, address);
  const timer = setTimeout(() => socket.destroy(), first);
  socket.on('error', () => clearTimeout(timer));
  socket.on('connect', () => socket.end());
}

function udpServer() {
  const socket = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (data, from) => socket.send(data, from.port, from.address));
  socket.bind(port, address, ready);
}

async function udpClient() {
  const [count, size] = [first, second];
  const socket = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4');
  if (numbers[2] !== undefined) await new Promise((resolve) => socket.bind(0, numbers[2], resolve));
  await new Promise((resolve) => socket.connect(port, address, resolve));
  for (let i = 0; i < count; i++) {
    const answered = new Promise((resolve) => socket.once('message', resolve));
    socket.send(Buffer.alloc(size));
    await answered;
  }
  socket.close();
}

async function udpBlind() {
  const [count, size] = [first, second];
  const socket = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const [, , from, fromPort] = numbers;
  if (from !== undefined)
    await new Promise((resolve) => socket.bind(Number(fromPort), from || undefined, resolve));
  await new Promise((resolve) => socket.connect(port, address, resolve));
  socket.on('error', () => undefined);
  for (let i = 0; i < count; i++) await new Promise((resolve) => socket.send(Buffer.alloc(size), resolve));
  socket.close();
}

async function udpSpread() {
  const [flows, count] = [first, second];
  const socket = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const datagram = Buffer.alloc(64);
  const concurrency = 256;
  let sent = 0;
  const sendNext = async () => {
    while (sent < count) {
      const to = port + (sent++ % flows);
      await new Promise((resolve) => socket.send(datagram, to, address, resolve));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, sendNext));
  socket.close();
}

function tlsClient() {
  const socket = tls.connect({ host: address, port, servername: numbers[0] });
  socket.on('error', () => undefined);
}

function tcpSink() {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.destroy());
  });
  server.listen({ host: address, port }, ready);
}

function dnsServer() {
  const udp = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4');
  udp.on('message', (query, from) => udp.send(dnsAnswer(query), from.port, from.address));
  const tcp = net.createServer((socket) => {
    socket.once('data', (data) => socket.end(withLength(dnsAnswer(data.subarray(2)))));
  });
  udp.bind(port, address, () => tcp.listen({ host: address, port }, ready));
}

async function dnsClient() {
  const [name, transport] = numbers;
  const labels = name.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]);
  const header = Buffer.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  const query = Buffer.concat([header, ...labels, Buffer.from([0, 0, 1, 0, 1])]);
  if (transport === 'tcp') {
    const socket = net.connect(port, address, () => socket.write(withLength(query)));
    socket.on('data', () => socket.end());
    return;
  }
  const socket = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const timer = setTimeout(() => socket.close(), 300);
  socket.on('message', () => {
    clearTimeout(timer);
    socket.close();
  });
  // A port that is lower than 53 if compared in network byte order.
  socket.bind(0xa000, () => socket.send(query, port, address));
}

/** RFC 1035: the query with the response bit, and an A and an AAAA record with compressed names. */
function dnsAnswer(query) {
  const answer = Buffer.concat([
    query,
    Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]),
    Buffer.from([0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 60, 0, 16, 0x20, 1, 0xd, 0xb8]),
    Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]),
  ]);
  answer.writeUInt16BE(0x8180, 2);
  answer.writeUInt16BE(2, 6);
  return answer;
}

function withLength(message) {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

function ready() {
  process.stdout.write('ready\n');
}
