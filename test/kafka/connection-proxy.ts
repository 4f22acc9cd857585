import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What goes wrong with connections to a broker. */
export type ConnectionFault =
  /** Those that there are end at once; new ones work. */
  | 'cut'
  /** Every other one of those that there are ends at once. */
  | 'half cut'
  /** Nothing is carried any more, and nobody is told: for ever on connections that there are, on new ones until it heals. */
  | 'silent'
  /** Those that there are end, and there are no new ones until it heals. */
  | 'refused';

/** A TCP proxy before a broker, whose connections go wrong as a test asks for it. */
export interface ConnectionProxy {
  readonly port: number;
  /** Where connections go to. */
  target: number;
  /** How many connections clients have open. */
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

  /** Ends and errors are carried too: either end goes with the other. */
  function carry(from: Socket, to: Socket): void {
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.once('close', () => to.destroy());
  }

  /** What comes is thrown away: only one who reads hears of an end. */
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
