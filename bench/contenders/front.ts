// The side that clients see: what a contender is asked to listen for. What the pair behind it speaks follows from that.

/** PEM files. `bundleFile` holds certificate and key, for those who want one file. */
export type Certificate = { readonly certFile: string; readonly keyFile: string; readonly bundleFile: string }

/** `tls` is HTTP behind TLS, HTTP/2 where a client asks for it by ALPN. The upstreams speak HTTP/1.1 or, for `tcp`, anything. */
export type Front =
  | { readonly protocol: 'http' }
  | { readonly protocol: 'tls'; readonly certificate: Certificate }
  | { readonly protocol: 'tcp' }

export type FrontProtocol = Front['protocol']

export const HTTP: Front = { protocol: 'http' }
