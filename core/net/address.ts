/** Host name without the brackets that a URL puts around an IPv6 address. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '')

const ports: Readonly<Record<string, number>> = {
  'http:': 80,
  'https:': 443,
  'ws:': 80,
  'wss:': 443,
  'mqtt:': 1883,
  'mqtts:': 8883,
}

/** The port, or the one that the scheme stands for. */
export const portOf = (url: URL): number => Number(url.port) || (ports[url.protocol] ?? 0)

/** `scheme://host:port` of any scheme; URL.origin knows the web's only. */
export const originOf = (url: URL): string => `${url.protocol}//${url.host}`
