import { connect as connectPlain, isIP, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';

const KEEP_ALIVE_MS = 60_000;

/**
 * The sockets of a session's kafkajs clients. kafkajs 2.2 reconnects after a disconnect if a retry was pending, and
 * leaves that connection open, so the session closes the sockets itself.
 */
export class Sockets {
  readonly #open = new Set<Socket>();
  /** The reason why no more sockets may be opened; undefined while they may. */
  #ended: Error | undefined;

  /** The socket factory for kafkajs. */
  readonly create: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    if (this.#ended) return new Socket().destroy(this.#ended);
    const name = isIP(host) === 0 ? { servername: host } : {};
    // Without TLS kafkajs gives no `ssl`, whatever its types say.
    const tls = ssl as typeof ssl | undefined;
    const socket = tls
      ? connectTls({ host, port, ...name, ...tls }, onConnect)
      : connectPlain({ host, port }, onConnect);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    // If the broker closes a connection that kafkajs is about to close, kafkajs still waits for responses, unless the
    // socket fails.
    socket.once('end', () => {
      if (!socket.writableEnded) socket.destroy(new Error('the broker closed the connection'));
    });
    return socket;
  };

  /** Closes all sockets, and every socket that is requested later. */
  end(): void {
    this.#ended = new Error('the Kafka connections are closed');
    for (const socket of this.#open) socket.destroy(this.#ended);
  }
}
