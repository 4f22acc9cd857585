/**
 * Makes TCP connections from the network namespace that it runs in, and says how each ended. Standard input: a JSON
 * array of {host, port, localPort, requestBytes, responseBytes}; standard output: an array of outcomes in that order,
 * `answered`, `refused` or `unanswered`.
 */
import net from 'node:net';
import { text } from 'node:stream/consumers';

const UNANSWERED_AFTER_MS = 2500;

const connections = JSON.parse(await text(process.stdin));
console.log(JSON.stringify(await Promise.all(connections.map(outcomeOf))));

function outcomeOf({ host, port, localPort, requestBytes = 0, responseBytes = 0 }) {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, localPort });
    const timer = setTimeout(() => {
      // A server that says nothing to an HTTP request has answered the connection all the same.
      resolve(socket.connecting ? 'unanswered' : 'answered');
      socket.destroy();
    }, UNANSWERED_AFTER_MS);
    socket.on('connect', () => {
      const head = `POST / HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n`;
      socket.write(`${head}X-Response-Bytes: ${responseBytes}\r\nContent-Length: ${requestBytes}\r\n\r\n`);
      socket.write(Buffer.alloc(requestBytes, 'x'));
    });
    socket.resume().on('end', () => resolve('answered'));
    socket.on('close', () => clearTimeout(timer));
    socket.on('error', (error) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET') resolve('refused');
      else reject(error);
    });
  });
}
