import type { KeyHealth, Logger, Port, Provider } from '../../plugin-sdk/index.ts';
import type { OpenList } from '../../plugin-sdk/open-list.ts';
import type { LiveExchange } from '../exchange.ts';
import type { Hooks } from '../hooks.ts';
import type { Connections } from '../upstream/connections.ts';

/** What one generation gives to the handling of its exchanges. */
export interface Runtime {
  /** Exchanges of clients that are not settled. */
  readonly open: OpenList<LiveExchange>;
  /** Names the config; sent as `x-bf-config`. */
  readonly generation: string;
  readonly hooks: Hooks;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly connections: Connections;
  readonly keyHealth: KeyHealth;
  readonly log: Logger;
  /** The implementation of a port, where the config has one. */
  findPort<T>(port: Port<T>): T | undefined;
  /** Largest upstream reply that may be collected, in bytes. */
  readonly replyBytes: number;
  /** How clients reach this gateway, unless a proxy before it says otherwise. */
  readonly scheme: 'http' | 'https';
  /** Milliseconds of silence after which a stream gets a keep-alive comment; 0 for none. */
  readonly keepAliveCommentMs: number;
}
