// A gRPC client over TLS that tells of every call how it ended.
import { readFileSync } from 'node:fs'
import {
  type CallOptions,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
  makeGenericClientConstructor,
  type ServiceError,
  type StatusObject,
  status,
} from '@grpc/grpc-js'
import { decode, encode, ORDERS, type Order, type Receipt, type Stats } from './grpc-service.ts'

type Ended = { readonly code: status; readonly details: string; readonly trailers: Metadata; readonly head: Metadata }
export type UnaryEnd = Ended & { readonly answer: Buffer | null }
export type Placed = Ended & { readonly receipt: Receipt | null }

const GenericClient = makeGenericClientConstructor(ORDERS, 'Orders')
const { place, echo, watch, talk, stats } = ORDERS
/** A call that nothing ends must not end the test by silence. */
const LONGEST_MS = 20_000

export class GrpcClient {
  readonly #client: InstanceType<typeof GenericClient>

  constructor(port: number, ca: string) {
    this.#client = new GenericClient(`localhost:${port}`, credentials.createSsl(readFileSync(ca)), {
      // What is sent again is sent again by the proxy.
      'grpc.enable_retries': 0,
    })
  }

  unary(
    method: typeof place,
    request: Buffer,
    metadata = new Metadata(),
    options: CallOptions = {},
  ): Promise<UnaryEnd> {
    const { path, requestSerialize, responseDeserialize } = method
    const settings = { deadline: Date.now() + LONGEST_MS, ...options }
    return new Promise((resolve) => {
      let answer: Buffer | null = null
      let head = new Metadata()
      const ended = (error: ServiceError | null, value?: Buffer): void => {
        if (!error) answer = value ?? null
      }
      const call = this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        settings,
        ended,
      )
      call.once('metadata', (received: Metadata) => {
        head = received
      })
      call.once('status', ({ code, details, metadata: trailers }: StatusObject) => {
        // The callback comes at the same moment; which is first depends on the status.
        setImmediate(() => resolve({ code, details, trailers, head, answer }))
      })
    })
  }

  async place(order: Order, metadata?: Metadata, options?: CallOptions): Promise<Placed> {
    const { answer, ...ended } = await this.unary(place, encode(order), metadata, options)
    return { ...ended, receipt: answer && decode<Receipt>(answer) }
  }

  echo(bytes: Buffer): Promise<UnaryEnd> {
    return this.unary(echo, bytes)
  }

  async stats(): Promise<Stats> {
    const { answer, details } = await this.unary(stats, Buffer.alloc(0))
    if (!answer) throw new Error(details)
    return decode<Stats>(answer)
  }

  watch(): Streaming<ClientReadableStream<Buffer>> {
    const { path, requestSerialize, responseDeserialize } = watch
    return new Streaming(
      this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, Buffer.alloc(0)),
    )
  }

  talk(): Streaming<ClientDuplexStream<Buffer, Buffer>> {
    const { path, requestSerialize, responseDeserialize } = talk
    return new Streaming(this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize))
  }

  async stop(): Promise<void> {
    this.#client.close()
  }
}

export class Streaming<Call extends ClientReadableStream<Buffer>> {
  readonly call: Call
  readonly messages: string[] = []
  /** Its status, once it has ended. */
  ended: StatusObject | null = null

  constructor(call: Call) {
    this.call = call
    call.on('data', (message: Buffer) => this.messages.push(message.toString()))
    call.on('error', () => {})
    call.once('status', (end: StatusObject) => {
      this.ended = end
    })
  }
}

export { status }
