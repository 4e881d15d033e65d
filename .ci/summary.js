/** Adds up what the tests reported and whether the checks held; the exit code says whether everything passed. */
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'

const [file, testStatus, checkStatus] = process.argv.slice(2)

function tests() {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(readFileSync(file, 'utf8'))
    return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests, files: testResults }
  } catch {
    // The runner ended before it could report: that is one failure, not none.
    return { passed: 0, failed: 1, skipped: 0, files: [] }
  }
}

/** Says it once more at the end: the runner's own account of a failure is thousands of lines up. */
function printFailures(files) {
  for (const { name, status, message, assertionResults } of files) {
    const failedTests = assertionResults.filter((test) => test.status === 'failed')
    for (const { fullName, failureMessages } of failedTests) {
      console.log(`FAILED ${relative(process.cwd(), name)}: ${fullName}\n${failureMessages.join('\n')}`)
    }
    if (status === 'failed' && failedTests.length === 0) {
      console.log(`FAILED ${relative(process.cwd(), name)}\n${message}`)
    }
  }
}

const { passed, failed, skipped, files } = tests()
printFailures(files)
const checkFailed = checkStatus === '0' ? 0 : 1
// An error outside any test (an unhandled rejection) fails the run without failing a test.
const unaccounted = testStatus !== '0' && failed === 0 ? 1 : 0
const failures = failed + checkFailed + unaccounted
if (checkFailed) console.log('npm run check failed')
if (unaccounted) console.log(`npm test ended with ${testStatus} although no test failed`)
console.log(`${passed + 1 - checkFailed} passed, ${failures} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exitCode = failures > 0 ? 1 : 0
