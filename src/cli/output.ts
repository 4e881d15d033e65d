/** What is written to the terminal, and how: colours only for people, and no text of others that could steer a terminal. */
import process from 'node:process'
import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** Only on a terminal and never with NO_COLOR: `validateStream` asks for both. */
export function paint(style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return styleText(style, text, { stream, validateStream: true })
}

/** Answers of the API may repeat what an upstream or another operator wrote. */
export const plain = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '·')

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2))
}

export function complain(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** `head | less` that ends early is no error of ours. */
export function endQuietlyOnClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
}
