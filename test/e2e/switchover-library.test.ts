// The same with the proxy as a plugin inside a Fastify application.
import { libraryContender } from './support/library-contender.ts'
import { describeSwitchover } from './support/switchover-suite.ts'

describeSwitchover({
  name: 'inside an application',
  contender: libraryContender,
  scenarios: ['killed', 'planned-switchover'],
})
