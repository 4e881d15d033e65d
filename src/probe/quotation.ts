/** What somebody else has said, on one line, short and without control characters: it goes into logs and onto terminals. */

const SHOWN = 200
/** More than can be shown, whatever it consists of, is not even looked at. */
const MOST = 2_048

export function quotation(said: string | Buffer): string {
  const text = typeof said === 'string' ? said.slice(0, MOST) : said.toString('utf8', 0, MOST)
  // \p{C} has the marks, too, that turn the direction of the text around them.
  const line = text.replace(/[\p{C}\s]+/gu, ' ').trim()
  return line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line
}
