import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import { currentBundle } from '../helpers/bundle.js'
import { must } from '../helpers/process.js'
import { ARCH, currentRelease, VERSION } from '../helpers/release.js'

const folder = mkdtempSync(join(tmpdir(), 'vnet-cni-release-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const name = `azure-vnet-cni-linux-${ARCH}-${VERSION}.tgz`

const bundle = await currentBundle()
const out = dirname(await currentRelease())

t.test(
  'the archive holds the programs and the list, and says nothing of its maker',
  async (t) => {
    await must('sh', ['-c', `cd ${out} && sha256sum --check --strict SHA256SUMS`])
    t.equal(readFileSync(join(out, 'SHA256SUMS'), 'utf8').split(/\s+/)[1], name)
    const listed = await must('tar', ['-tvzf', join(out, name), '--full-time'])
    const lines = listed.trim().split('\n')
    const names = lines.map((line) => line.replace(/^.*:00 /, ''))
    t.same(names, [
      './',
      './10-azure.conflist',
      './LICENSES.txt',
      './azure-vnet -> vnet-cni',
      './azure-vnet-ipam -> vnet-cni',
      './loopback -> vnet-cni',
      './portmap -> vnet-cni',
      './vnet-cni',
      './vnet-cni.sha256',
    ])
    for (const line of lines) t.match(line, /^\S+ 0\/0 +\d+ 1970-01-01 00:00:00 /)
  },
)

t.test('two builds of one source are equal byte for byte', async (t) => {
  await must('tar', ['-xzf', join(out, name), '-C', folder])
  await must('sh', ['-c', `cd ${folder} && sha256sum --check --strict vnet-cni.sha256`])
  const sum = (path: string) => readFileSync(join(path, 'vnet-cni.sha256'), 'utf8')
  t.equal(sum(folder), sum(bundle))
  const bytes = readFileSync(join(folder, 'vnet-cni'))
  t.notOk(bytes.includes(process.cwd()), 'no path of the checkout is in it')
  t.same(
    readFileSync(join(folder, '10-azure.conflist')),
    readFileSync('conf/10-azure.conflist'),
  )
})
