import { GatewayError, Secret } from '../../plugin-sdk/index.ts';
import type { Config } from '../config/config.ts';

/** Checks that certificate and key can be served. Throws GatewayError CFG_INVALID. */
export function checkTls({ tls }: Config['server']): void {
  if (tls === undefined) return;
  try {
    process.getBuiltinModule('node:tls').createSecureContext({ cert: tls.cert, key: Secret.reveal(tls.key) });
  } catch (cause) {
    const reason = (cause as Error).message.replace(/^error:[^:]*:/, '');
    const report = `Cannot serve HTTPS: server.tls.cert and server.tls.key must be PEM texts that belong together, best as file:PATH (${reason}).`;
    throw new GatewayError('CFG_INVALID', { report });
  }
}
