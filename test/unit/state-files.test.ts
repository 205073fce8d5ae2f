import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { removeFiles } from '../../dist/esm/state/files.js'

const OURS = /^ours/

t.test('files and folders that are ours go, and then the folder', async (t) => {
  const folder = join(
    t.testdir({ state: { 'ours.json': '', 'ours-folder': { deeper: {} } } }),
    'state',
  )
  const removed: string[] = []
  removeFiles(folder, OURS, (path) => removed.push(path))
  t.strictSame(removed.sort(), [join(folder, 'ours-folder'), join(folder, 'ours.json')])
  t.notOk(existsSync(folder))
  removeFiles(folder, OURS, (path) => removed.push(path))
  t.equal(removed.length, 2, 'again: nothing to do')
})

t.test('what is not ours stays, and the folder with it', async (t) => {
  const folder = t.testdir({ 'ours.json': '', yours: '' })
  removeFiles(folder, OURS, () => {})
  t.strictSame(readdirSync(folder), ['yours'])
})

t.test('an empty folder is not known to be ours', async (t) => {
  const folder = t.testdir()
  removeFiles(folder, OURS, () => t.fail('nothing was there'))
  t.ok(existsSync(folder))
})

t.test('what cannot be read or removed is named', async (t) => {
  const file = join(t.testdir({ file: '' }), 'file')
  t.throws(() => removeFiles(file, OURS, () => {}), {
    name: 'StateError',
    code: 'ENOTDIR',
    path: file,
  })
  // Not even root may remove files of /proc.
  const stays = () => removeFiles('/proc/self', /^stat$/, () => t.fail('it stays'))
  t.throws(stays, { name: 'StateError', code: /^E/, path: '/proc/self/stat' })
})
