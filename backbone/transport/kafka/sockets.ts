import { connect as connectPlain, isIP, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';

const KEEP_ALIVE_MS = 60_000;

/**
 * The sockets of some of kafkajs' clients. kafkajs 2.2 connects again after it was disconnected, if something in it was
 * still trying, and then nobody ends that connection: so whoever is done with its clients ends their sockets.
 */
export class Sockets {
  readonly #open = new Set<Socket>();
  /** Why there are to be no more; undefined while there may be. */
  #ended: Error | undefined;

  /** Opens one, as kafkajs asks for it. */
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
    // When the broker ends a connection that kafkajs itself is about to end, kafkajs goes on to wait for its answers;
    // an error it heeds.
    socket.once('end', () => {
      if (!socket.writableEnded) socket.destroy(new Error('the broker closed the connection'));
    });
    return socket;
  };

  /** Ends all of them, and at once whatever is asked for later. */
  end(): void {
    this.#ended = new Error('the Kafka connections are closed');
    for (const socket of this.#open) socket.destroy(this.#ended);
  }
}
