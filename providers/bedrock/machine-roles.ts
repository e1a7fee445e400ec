import { readFileSync } from 'node:fs';
import {
  type Dated,
  type Host,
  isObject,
  isPrivateName,
  type OutgoingHeaders,
  Secret,
} from '../../plugin-sdk/index.ts';
import type { AwsIdentity } from './sign.ts';

type Found = Dated<AwsIdentity> | undefined;

const environment = process.env;

/** A role taken on with a token in a file, as Kubernetes gives its pods one; undefined without such a file. */
export async function webIdentityRole(host: Host, region: string): Promise<Found> {
  const { AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ROLE_ARN: role } = environment;
  if (!file || !role) return undefined;
  const form = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: role,
    RoleSessionName: environment['AWS_ROLE_SESSION_NAME'] ?? 'bifrost-kernel',
    WebIdentityToken: readFileSync(file, 'utf8').trim(),
  });
  const address = environment['AWS_ENDPOINT_URL_STS'] ?? `https://sts.${region}.amazonaws.com`;
  const headers = ['content-type', 'application/x-www-form-urlencoded', 'accept', 'application/json'];
  const json = await fetchJson(host, 'POST', `${address}/`, headers, form.toString());
  const response = member(json, 'AssumeRoleWithWebIdentityResponse');
  return identityOf(member(member(response, 'AssumeRoleWithWebIdentityResult'), 'Credentials'));
}

/** The role of a container (ECS, EKS pod identity); undefined outside of one. */
export async function containerRole(host: Host): Promise<Found> {
  const relative = environment['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'];
  const url = relative ? `http://169.254.170.2${relative}` : environment['AWS_CONTAINER_CREDENTIALS_FULL_URI'];
  if (!url) return undefined;
  const file = environment['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];
  const token = file ? readFileSync(file, 'utf8').trim() : environment['AWS_CONTAINER_AUTHORIZATION_TOKEN'];
  return identityOf(await fetchJson(host, 'GET', url, token ? ['authorization', new Secret(token)] : []));
}

const instance = 'http://169.254.169.254/latest';

/** The role of an EC2 instance, by its metadata service version 2; undefined on other machines. */
export async function instanceRole(host: Host): Promise<Found> {
  if (environment['AWS_EC2_METADATA_DISABLED'] === 'true') return undefined;
  let token: string;
  try {
    token = await fetchText(host, 'PUT', `${instance}/api/token`, ['x-aws-ec2-metadata-token-ttl-seconds', '21600']);
  } catch {
    // No such service: this is no EC2 instance.
    return undefined;
  }
  const headers: OutgoingHeaders = ['x-aws-ec2-metadata-token', new Secret(token)];
  const roles = `${instance}/meta-data/iam/security-credentials/`;
  const [role] = (await fetchText(host, 'GET', roles, headers)).split('\n');
  return identityOf(await fetchJson(host, 'GET', roles + role!.trim(), headers));
}

function identityOf(json: unknown): Found {
  const {
    AccessKeyId: id,
    SecretAccessKey: secret,
    Token,
    SessionToken = Token,
    Expiration: end,
  } = isObject(json) ? json : {};
  if (typeof id !== 'string' || typeof secret !== 'string') throw new Error('the role came without credentials');
  const expiresAt = typeof end === 'number' ? end * 1_000 : Date.parse(String(end));
  const value = {
    accessKeyId: id,
    secretAccessKey: new Secret(secret),
    ...(typeof SessionToken === 'string' ? { sessionToken: new Secret(SessionToken) } : {}),
  };
  return { value, expiresAt: Number.isNaN(expiresAt) ? Infinity : expiresAt };
}

function member(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

async function fetchJson(
  host: Host,
  method: string,
  url: string,
  headers: OutgoingHeaders,
  body?: string,
): Promise<unknown> {
  return JSON.parse(await fetchText(host, method, url, headers, body));
}

async function fetchText(
  host: Host,
  method: string,
  url: string,
  headers: OutgoingHeaders,
  body?: string,
): Promise<string> {
  const { origin, pathname, search } = new URL(url);
  const request = {
    provider: 'AWS',
    origin,
    method,
    path: pathname + search,
    headers,
    body,
    privateAddresses: isPrivateName(origin),
  };
  const reply = await host.fetch(request, { timeoutMs: 3_000 });
  if (reply.status !== 200) throw new Error(`${origin} answered ${reply.status}`);
  return reply.body.toString('utf8');
}
