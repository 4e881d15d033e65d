/** Adds up what the tests reported and whether the checks held; the exit code says whether everything passed. */
import { readFileSync } from 'node:fs'

const [file, testStatus, checkStatus] = process.argv.slice(2)

function tests() {
  try {
    const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(file, 'utf8'))
    return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests }
  } catch {
    // The runner ended before it could report: that is one failure, not none.
    return { passed: 0, failed: 1, skipped: 0 }
  }
}

const { passed, failed, skipped } = tests()
const checkFailed = checkStatus === '0' ? 0 : 1
// An error outside any test (an unhandled rejection) fails the run without failing a test.
const unaccounted = testStatus !== '0' && failed === 0 ? 1 : 0
const failures = failed + checkFailed + unaccounted
if (checkFailed) console.log('npm run check failed')
if (unaccounted) console.log(`npm test ended with ${testStatus} although no test failed`)
console.log(`${passed + 1 - checkFailed} passed, ${failures} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exitCode = failures > 0 ? 1 : 0
