// Every contender by name, ours first. To add one: a file beside this one, and a line here.
import { caddy } from './caddy.ts'
import type { Contender } from './contender.ts'
import { haproxy } from './haproxy.ts'
import { httpProxy } from './http-proxy.ts'
import { nginx } from './nginx.ts'
import { understudy } from './understudy.ts'

export const contenders: readonly Contender[] = [understudy, haproxy, nginx, caddy, httpProxy]
