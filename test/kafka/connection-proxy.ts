import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A fault of connections to a broker. */
export type ConnectionFault =
  /** Open connections close; new ones work. */
  | 'cut'
  /** Every other open connection closes. */
  | 'half cut'
  /** Data is silently discarded: forever on open connections, on new ones until the fault is removed. */
  | 'silent'
  /** Open connections close, and new ones are refused until the fault is removed. */
  | 'refused';

/** A TCP proxy in front of a broker that injects faults. */
export interface ConnectionProxy {
  readonly port: number;
  /** The target of connections. */
  target: number;
  /** Number of open client connections. */
  readonly open: number;
  break(fault: ConnectionFault): void;
  heal(): Promise<void>;
  close(): Promise<void>;
}

export async function startConnectionProxy(): Promise<ConnectionProxy> {
  const sockets = new Map<Socket, Socket>();
  let isSilent = false;

  function onConnection(client: Socket): void {
    const broker = connect(proxy.target, '127.0.0.1');
    sockets.set(client, broker);
    carry(client, broker);
    carry(broker, client);
    client.once('close', () => sockets.delete(client));
    if (isSilent) silence(client);
  }

  /** Forwards closes and errors in both directions. */
  function carry(from: Socket, to: Socket): void {
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.once('close', () => to.destroy());
  }

  /** Discards data; reading is needed to notice a close. */
  function silence(client: Socket): void {
    const broker = sockets.get(client);
    for (const end of [client, broker]) end?.unpipe().resume();
  }

  function cut(clients: Iterable<Socket>): void {
    for (const client of clients) client.destroy();
  }

  let server = await listen(0, onConnection);
  const { port } = server.address() as AddressInfo;
  const proxy: ConnectionProxy = {
    port,
    target: 0,
    get open() {
      return sockets.size;
    },
    break(fault) {
      const clients = [...sockets.keys()];
      if (fault === 'silent') {
        isSilent = true;
        clients.forEach(silence);
      } else if (fault === 'half cut') {
        cut(clients.filter((_, index) => index % 2 === 0));
      } else {
        if (fault === 'refused') server.close();
        cut(clients);
      }
    },
    async heal() {
      isSilent = false;
      if (!server.listening) server = await listen(port, onConnection);
    },
    async close() {
      const closed = server.listening ? once(server, 'close') : undefined;
      server.close();
      cut(sockets.keys());
      await closed;
    },
  };
  return proxy;
}

async function listen(port: number, onConnection: (client: Socket) => void): Promise<Server> {
  const server = createServer(onConnection).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
