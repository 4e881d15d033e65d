// A bug of the application, on both origins alike. The right thing is to pass the 500s on and not to move: the column of the
// first answer from the standby should stay empty.
import { now } from '../clock.ts'
import { BROKEN_PATH } from '../origin/misbehaviour/one-path-500.ts'
import { UNMOVED } from './goal.ts'
import type { Scenario } from './scenario.ts'

export const onePath500: Scenario = {
  name: 'one-path-500',
  summary: 'one path always answers 500, on both origins: nobody should switch',
  goal: UNMOVED,
  fault: async ({ primary, standby }) => {
    await Promise.all([primary.misbehave('one-path-500'), standby.misbehave('one-path-500')])
    return now()
  },
  tolerates: (row) => row.status === 500 && row.path.startsWith(BROKEN_PATH),
}
