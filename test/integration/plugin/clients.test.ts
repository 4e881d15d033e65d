// What upstreams are told of clients, and clients that are no connection at all.
import { connect } from 'node:net'
import { understudy } from 'understudy-proxy'
import { afterEach, describe, expect, test } from 'vitest'
import { valuesOf } from '../../support/strict-http.ts'
import { head, ShopApp, type ShopOptions } from './support/shop-app.ts'

let shop: ShopApp
const serve = async (options: ShopOptions = {}): Promise<ShopApp> => {
  shop = await ShopApp.build(options)
  await shop.listen()
  return shop
}
afterEach(() => shop.stop())

describe('the client', () => {
  test('is told to upstreams as the application sees it', async () => {
    const { blue } = await serve()
    await shop.send(head('GET / HTTP/1.1', 'X-Forwarded-For: 192.0.2.1', 'X-Forwarded-Proto: https'))
    expect(forwarded(blue.arrived[0]?.fields)).toEqual(['127.0.0.1', 'http'])
  })

  test('is believed where it is a trusted proxy', async () => {
    const { blue } = await serve({ plugin: { trustedProxies: ['127.0.0.0/8'] } })
    await shop.send(head('GET / HTTP/1.1', 'X-Forwarded-For: 192.0.2.1', 'X-Forwarded-Proto: https'))
    expect(forwarded(blue.arrived[0]?.fields)).toEqual(['192.0.2.1, 127.0.0.1', 'https'])
  })

  test('has no address behind a unix socket', async () => {
    shop = await ShopApp.build()
    await shop.app.register(understudy, shop.settings)
    const path = `${shop.settings.state?.dir}/app.sock`
    await shop.app.listen({ path })
    const socket = connect(path)
    socket.write(head('GET / HTTP/1.1', 'Connection: close'))
    let text = ''
    for await (const bytes of socket) text += bytes
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
    expect(forwarded(shop.blue.arrived[0]?.fields)).toEqual(['unix', 'http'])
  })

  const forwarded = (fields: readonly (readonly [string, string])[] = []) => [
    valuesOf(fields, 'x-forwarded-for').join(),
    valuesOf(fields, 'x-forwarded-proto').join(),
  ]
})

describe('a request that is injected, without a server', () => {
  test('is answered as any other', async () => {
    shop = await ShopApp.build()
    await shop.app.register(understudy, shop.settings)
    const answer = await shop.app.inject({ method: 'POST', url: '/x?y', payload: { a: 1 }, headers: { 'x-own': '1' } })
    expect(answer).toMatchObject({ statusCode: 200, body: 'by blue' })
    expect(shop.blue.arrived).toMatchObject([{ method: 'POST', target: '/x?y', body: '{"a":1}' }])
    expect((await shop.app.inject({ method: 'HEAD', url: '/' })).statusCode).toBe(200)
    expect((await shop.app.inject({ url: '/../x' })).statusCode).toBeLessThan(500)
  })

  test('fails where the answer breaks off', async () => {
    shop = await ShopApp.build()
    await shop.app.register(understudy, shop.settings)
    shop.blue.serve = () => ({
      bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n',
      after: 'end',
    })
    await expect(shop.app.inject({ method: 'POST', url: '/cut' })).rejects.toThrow('destroyed before completion')
  })
})
