// Too large to be held back until they are whole: what was passed on cannot be taken back, only continued from the standby.
import type { Scenario } from './scenario.ts'

export const downloadsCut: Scenario = {
  name: 'downloads-cut',
  summary: 'answers of 10 MiB stop half way; resuming them is switched on where there is such a thing',
  goal: { failedGet: 0 },
  load: { rate: 5, postShare: 0, slowShare: 0, downloadShare: 1 },
  settings: { resume: true },
  fault: ({ primary }) => primary.misbehave('answers-cut'),
}
