// SPDX-License-Identifier: Apache-2.0
// A TLS server in front of plain ones, so that an embedded cluster can be reached encrypted. Its certificate can be changed.
import net from 'node:net';
import tls from 'node:tls';

export interface TlsFront extends AsyncDisposable {
  /** `127.0.0.1:port` of the encrypted side. */
  readonly address: string;
  /** From the next connection on. */
  use(options: tls.SecureContextOptions): void;
  /** Cuts all connections. */
  cut(): void;
}

/**
 * @param target `host:port` of the plain side
 * @param heard gets what clients said, decrypted
 */
export async function startTlsFront(
  target: string,
  options: tls.TlsOptions,
  heard?: (chunk: Buffer) => void,
): Promise<TlsFront> {
  const open = new Set<net.Socket>();
  const note = (socket: net.Socket): net.Socket => {
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
    return socket;
  };
  const server = tls.createServer(options, secure => {
    const port = Number(target.split(':')[1]);
    const plain = note(net.connect(port, '127.0.0.1'));
    note(secure).pipe(plain).pipe(secure);
    if (heard !== undefined) secure.on('data', heard);
    secure.on('close', () => plain.destroy());
    plain.on('close', () => secure.destroy());
  });
  server.on('connection', note);
  server.on('tlsClientError', () => {});
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const socket of open) socket.destroy();
  };
  return {
    address: `127.0.0.1:${(server.address() as net.AddressInfo).port}`, // a TCP server's address
    use: changed => server.setSecureContext(changed),
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise(resolve => server.close(resolve));
    },
  };
}
