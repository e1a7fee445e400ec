import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Serves one body to every request while `use` runs, as an SDK's base URL. */
export async function serving<T>(body: string, type: string, use: (baseURL: string) => Promise<T>): Promise<T> {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': type });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
