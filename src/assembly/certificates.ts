/**
 * The certificate files of one listener: read at the start, and again whenever they change. Polled, because the usual ways
 * to renew (certbot, Kubernetes) swap symlinks, of which a watch on the file hears nothing.
 */
import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import type { Cancel, Clock } from '../core/time.ts'
import { ms } from '../core/time.ts'
import { isoTime } from '../runtime/clock.ts'
import type { PemPart } from '../wire/certificate-pem.ts'
import { UnusableCertificate } from '../wire/certificate-pem.ts'
import type { ServerTlsSettings } from '../wire/server-tls.ts'
import { ServerTls } from '../wire/server-tls.ts'
import { cannotRead, cannotUse } from './start-error.ts'

/** Paths of PEM files. */
export type CertificateFiles = Readonly<{ cert: string; key: string }>

export type CertificatesOptions = Pick<ServerTlsSettings, 'minVersion' | 'alpn'> &
  Readonly<{
    listener: string
    /** The first is `tls.cert` and `tls.key` of the listener, the others are its `tls.certificates`. */
    files: readonly [CertificateFiles, ...CertificateFiles[]]
    /** `ca`: path of a PEM file. */
    clients: Readonly<{ ca: string; mode: 'ask' | 'require' }> | null
    /** Of session tickets, shared with others; null: its own. */
    ticketKeys: Buffer | null
    clock: Clock
    /** Receives one sentence or two for people about each problem, once until it is solved. */
    report(problem: string): void
  }>

const INTERVAL = 2_000

type Source = Readonly<{ path: string; where: PemPart }>
/** By path. */
type Texts = ReadonlyMap<string, string>
type Validity = Readonly<{ where: PemPart; from: number; to: number }>

export class Certificates {
  readonly tls: ServerTls
  private readonly options: CertificatesOptions
  private readonly sources: readonly Source[]
  /** What the files looked like just before they were last read. */
  private seen: string
  /** The last reading failed, and is repeated once before anyone hears of it: the files may have been half written. */
  private doubted = false
  private checking = false
  private validity: readonly Validity[]
  private readonly reported = new Set<string>()
  private cancel: Cancel | null = null

  /** Throws a StartError when a file cannot be read or used. */
  constructor(options: CertificatesOptions) {
    this.options = options
    this.sources = sourcesOf(options)
    this.seen = this.sources.map(({ path }) => looksNow(path)).join()
    const texts = new Map(this.sources.map((source) => [source.path, this.readNow(source)]))
    try {
      this.tls = new ServerTls(settingsOf(options, texts), options.ticketKeys)
    } catch (error) {
      throw this.explained(error)
    }
    this.validity = this.validityIn(texts)
    this.reportValidity()
  }

  /** Keeps up with the files until `stop`. */
  watch(): void {
    this.cancel ??= this.options.clock.every(INTERVAL, () => this.check())
  }

  stop(): void {
    this.cancel?.()
    this.cancel = null
  }

  /** A disk that takes longer than the interval is not asked twice. */
  private async check(): Promise<void> {
    if (this.checking) return
    this.checking = true
    try {
      const looks = (await Promise.all(this.sources.map(({ path }) => looksLike(path)))).join()
      if (looks !== this.seen || this.doubted) await this.reload(looks)
      if (this.cancel) this.reportValidity()
    } finally {
      this.checking = false
    }
  }

  private async reload(looks: string): Promise<void> {
    this.seen = looks
    try {
      const pairs = await Promise.all(
        this.sources.map(async (source) => [source.path, await this.read(source)] as const),
      )
      // Stopped in the meantime.
      if (!this.cancel) return
      const texts = new Map(pairs)
      this.tls.replace(settingsOf(this.options, texts))
      this.validity = this.validityIn(texts)
      this.doubted = false
      this.reported.clear()
    } catch (error) {
      if (this.doubted && this.cancel)
        this.reportOnce(`${this.explained(error).message}. The certificates in use stay.`)
      this.doubted = !this.doubted
    }
  }

  private readNow({ path, where }: Source): string {
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      throw cannotRead(this.nameOf(where), error)
    }
  }

  private async read({ path, where }: Source): Promise<string> {
    try {
      return await readFile(path, 'utf8')
    } catch (error) {
      throw cannotRead(this.nameOf(where), error)
    }
  }

  /** Only of what could be used. */
  private validityIn(texts: Texts): Validity[] {
    return this.options.files.map(({ cert }, index) => {
      const { validFromDate, validToDate } = new X509Certificate(texts.get(cert) ?? '')
      return { where: { part: 'cert', index }, from: validFromDate.getTime(), to: validToDate.getTime() }
    })
  }

  /** Served all the same: clients that do not check go on, and no answer at all would help none of the others. */
  private reportValidity(): void {
    const now = this.options.clock.now()
    for (const { where, from, to } of this.validity) {
      if (now > to) this.reportOnce(`${this.describe(where)} expired at ${isoTime(ms(to))}.`)
      if (now < from) this.reportOnce(`${this.describe(where)} is not valid before ${isoTime(ms(from))}.`)
    }
  }

  private reportOnce(problem: string): void {
    if (this.reported.has(problem)) return
    this.reported.add(problem)
    this.options.report(problem)
  }

  private explained(error: unknown): Error {
    if (error instanceof UnusableCertificate) {
      return cannotUse(this.describe(error.where), error.problem, hintFor(error.where))
    }
    return error instanceof Error ? error : new Error(String(error))
  }

  private describe(where: PemPart): string {
    const { files, clients } = this.options
    const path = where.part === 'clientCa' ? clients?.ca : files[where.index]?.[where.part]
    return `${this.nameOf(where)} (${path})`
  }

  private nameOf(where: PemPart): string {
    return `${settingOf(where)} of listener ${this.options.listener}`
  }
}

function sourcesOf({ files, clients }: CertificatesOptions): Source[] {
  const pairs = files.flatMap(({ cert, key }, index): Source[] => [
    { path: cert, where: { part: 'cert', index } },
    { path: key, where: { part: 'key', index } },
  ])
  return clients ? [...pairs, { path: clients.ca, where: { part: 'clientCa' } }] : pairs
}

function settingsOf({ files, clients, minVersion, alpn }: CertificatesOptions, texts: Texts): ServerTlsSettings {
  const textOf = (path: string): string => texts.get(path) ?? ''
  const pemOf = ({ cert, key }: CertificateFiles) => ({ cert: textOf(cert), key: textOf(key) })
  const [first, ...more] = files
  return {
    certificates: [pemOf(first), ...more.map(pemOf)],
    minVersion,
    clients: clients && { ca: textOf(clients.ca), mode: clients.mode },
    alpn,
  }
}

function settingOf(where: PemPart): string {
  if (where.part === 'clientCa') return 'tls.clients.ca'
  return where.index === 0 ? `tls.${where.part}` : `tls.certificates[${where.index - 1}].${where.part}`
}

function hintFor(where: PemPart): string {
  switch (where.part) {
    case 'cert':
      return 'It has to be a PEM file with the whole chain, the certificate of the server first.'
    case 'key':
      return 'It has to be the key, without a passphrase, of the certificate that comes first in the file beside it.'
    case 'clientCa':
      return 'It has to be a PEM file with the certificates of the authorities.'
  }
}

type Look = Readonly<Record<'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs', bigint>>

/** Of the file at the end of all links. ctime too: copies may keep size and mtime. */
const print = ({ dev, ino, size, mtimeNs, ctimeNs }: Look): string => [dev, ino, size, mtimeNs, ctimeNs].join(' ')
const ABSENT = 'absent'

/** A file that cannot be looked at cannot be read either, and reading it tells why. */
function looksNow(path: string): string {
  try {
    return print(statSync(path, { bigint: true }))
  } catch {
    return ABSENT
  }
}

async function looksLike(path: string): Promise<string> {
  try {
    return print(await stat(path, { bigint: true }))
  } catch {
    return ABSENT
  }
}
