import { createHmac } from 'node:crypto';
import { Secret } from '../../plugin-sdk/index.ts';

/** Signs a notification by the Standard Webhooks scheme: HMAC-SHA-256 over id, time (Unix seconds) and body. */
export function signWebhook(secret: Secret, id: string, seconds: number, body: string): string {
  const key = Buffer.from(Secret.reveal(secret).replace(/^whsec_/, ''), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`;
}
