import { Agent, createServer, request } from 'node:http';

/** What Node's own http costs a proxy that does nothing: both bodies piped. Run: node test/bench/tools/raw-pipe.ts PORT UPSTREAM_PORT */
const [port, upstream] = process.argv.slice(2).map(Number) as [number, number];
const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

createServer((incoming, outgoing) => {
  const { method, url, headers } = incoming;
  const sent = request({ port: upstream, host: '127.0.0.1', method: method!, path: url!, headers, agent }, (reply) => {
    outgoing.writeHead(reply.statusCode!, reply.rawHeaders);
    reply.pipe(outgoing);
  });
  sent.on('error', () => outgoing.destroy());
  incoming.pipe(sent);
}).listen(port, '127.0.0.1');
