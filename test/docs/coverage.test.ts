import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import t from 'tap'

// Our tables beside the kernel's own specifications (Debian's linux-doc-6.12, which `npm run setup`
// installs). A machine without them says so by a skip that names the package.
const specs = '/usr/share/doc/linux-doc-6.12/Documentation/netlink/specs'
const missing = !existsSync(specs) && `${specs} is absent: install linux-doc-6.12`

t.test(
  'no type disagrees with the kernel, and the page tells what is lacking',
  { skip: missing },
  async (t) => {
    const script = new URL('../../scripts/docs-coverage.mjs', import.meta.url).pathname
    const done = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' })
    t.equal(done.status, 0, done.stderr)
    t.equal(done.stderr, '')
  },
)
