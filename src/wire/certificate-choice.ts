/** Which of a listener's certificates a client gets, by the name that it asks for (SNI). Pure; prepared once, not per handshake. */

/** The index of a certificate. */
export type CertificateChoice = (serverName: string) => number

/** RFC 6125 §6.4.3: the wildcard is the whole leftmost label, and stands for exactly one. Underscores exist inside networks. */
const NAME = /^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*$/

/**
 * `names`: those of each certificate, as in `certificateNames`. A name that several carry goes to the first of them; a
 * client without a name, or with one that is unknown, gets the first certificate: better a warning there than no answer.
 */
export function certificateChoice(names: readonly (readonly string[])[]): CertificateChoice {
  const exact = new Map<string, number>()
  /** By what follows the first label. */
  const wildcards = new Map<string, number>()
  names.forEach((those, index) => {
    for (const name of those) {
      const [among, key] = name.startsWith('*.') ? [wildcards, name.slice(2)] : [exact, name]
      if (!among.has(key)) among.set(key, index)
    }
  })
  return (serverName) => {
    const name = serverName.toLowerCase()
    const found = exact.get(name)
    if (found !== undefined) return found
    const dot = name.indexOf('.')
    // From 1: a name that begins with a dot has no first label.
    return (dot > 0 ? wildcards.get(name.slice(dot + 1)) : undefined) ?? 0
  }
}

/** The host names of a certificate, lower case, from the text that Node makes of its subjectAltName: `DNS:a.test, IP Address:::1`. */
export function certificateNames(subjectAltName: string | undefined): string[] {
  // Node quotes what is not plain, and nothing that needs quotes is a host name; inside them anything may look like one.
  const plain = (subjectAltName ?? '').replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
  return plain
    .split(', ')
    .filter((entry) => entry.startsWith('DNS:'))
    .map((entry) => entry.slice('DNS:'.length).toLowerCase())
    .filter((name) => NAME.test(name))
}
