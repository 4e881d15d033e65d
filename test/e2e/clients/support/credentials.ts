// Certificates as files: a test authority of one's own, and what it issues.
import { type IssueOptions, TestAuthority } from '../../../support/test-authority.ts'

export type PemFiles = { readonly cert: string; readonly key: string }
type Writer = { write(name: string, text: string): string }

export class Credentials {
  readonly authority: TestAuthority
  /** Path of the authority’s own certificate. */
  readonly ca: string
  readonly #files: Writer

  constructor(files: Writer, name = 'test') {
    this.authority = new TestAuthority(`Authority of ${name}`)
    this.ca = files.write(`${name}-ca.pem`, this.authority.cert)
    this.#files = files
  }

  /** Writes NAME.pem and NAME-key.pem; over older ones too. */
  issue(name: string, options: IssueOptions): PemFiles {
    const { cert, key } = this.authority.issue(options)
    return { key: this.#files.write(`${name}-key.pem`, key), cert: this.#files.write(`${name}.pem`, cert) }
  }
}
