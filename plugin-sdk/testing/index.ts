/**
 * A test kit for plugin authors: one call gives a running gateway with a scripted upstream behind it.
 *
 * ```ts
 * const upstream = await startUpstream();
 * const gateway = await startGateway({ plugins: { 'routes/openai': {}, 'providers/openai': upstream.provider() } });
 * upstream.reply({ json: { id: 'x', object: 'chat.completion', choices: [] } });
 * ```
 */
export { FakeClock } from './fake-clock.ts';
export { type RunningGateway, type StartOptions, startGateway } from './gateway.ts';
export { type Script, type SeenRequest, startUpstream, type Upstream } from './upstream.ts';
