import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { certificate, nextCertificate } from '../routes/certificate.ts';

const main = resolve(import.meta.dirname, '../../kernel/main.js');
const fingerprint = ({ cert }: { readonly cert: string }): string => new X509Certificate(cert).fingerprint256;

async function shownBy(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

function ask(port: number, agent: Agent): Promise<string> {
  const body = JSON.stringify({ model: 'mock/echo', messages: [{ role: 'user', content: 'by TLS' }] });
  const headers = { 'content-type': 'application/json', 'content-length': body.length };
  return new Promise((done, failed) => {
    request(
      { port, host: '127.0.0.1', path: '/openai/v1/chat/completions', method: 'POST', headers, agent },
      (reply) => {
        let text = '';
        reply.on('data', (chunk) => (text += chunk)).on('end', () => done(text));
      },
    )
      .on('error', failed)
      .end(body);
  });
}

for (const workers of [1, 2]) {
  test(`a renewed certificate is shown to new connections while old ones go on (workers: ${workers})`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'bifrost-tls-'));
    const write = ({ key, cert }: { readonly key: string; readonly cert: string }): void => {
      writeFileSync(join(folder, 'key.pem'), key);
      writeFileSync(join(folder, 'cert.pem'), cert);
    };
    write(certificate);
    const tls = { cert: 'file:cert.pem', key: 'file:key.pem' };
    const plugins = { 'routes/openai': {}, 'providers/mock': {} };
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ server: { tls, workers }, plugins }));
    const child = spawn(
      process.execPath,
      [main, 'start', '--config', 'config.json', '--port', '0', '--log-format', 'json'],
      {
        cwd: folder,
        env: { ...process.env, BIFROST_DATA_DIR: join(folder, 'data') },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    t.after(() => {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    });
    let output = '';
    child.stdout.on('data', (bytes) => (output += bytes));
    const url = (): string | undefined => /"url":"(https:[^"]+)"/.exec(output)?.[1];
    for (let i = 0; i < 500 && url() === undefined; i++) await sleep(20);
    const port = Number(new URL(url() ?? assert.fail(output)).port);
    assert.equal(await shownBy(port), fingerprint(certificate));
    const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
    assert.match(await ask(port, agent), /by TLS/);

    write(nextCertificate);
    child.kill('SIGHUP');
    // Any worker may take a connection.
    const renewed = async (): Promise<boolean> => {
      const shown = await Promise.all(Array.from({ length: 12 }, () => shownBy(port)));
      return shown.every((one) => one === fingerprint(nextCertificate));
    };
    let isRenewed = false;
    for (let i = 0; i < 200 && !isRenewed; i++) {
      isRenewed = await renewed();
      if (!isRenewed) await sleep(25);
    }
    assert.ok(isRenewed, output);
    assert.match(await ask(port, agent), /by TLS/);
    agent.destroy();
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    assert.equal(code, 0);
  });
}
