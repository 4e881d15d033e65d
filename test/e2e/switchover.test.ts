// The proxy as people run it, with clients that speak HTTP/1.1: every scenario.
import { describeSwitchover } from './support/switchover-suite.ts'

describeSwitchover({ name: 'HTTP/1.1', contender: 'understudy' })
