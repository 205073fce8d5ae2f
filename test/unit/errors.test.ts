import t from 'tap'
import { NetlinkError, SyscallError } from 'vnet-cni'
import { isFailure, type WireFailure } from '../../dist/esm/binding.js'
import { errnoName, toError } from '../../dist/esm/errors.js'

const failure = (more: Partial<WireFailure>): WireFailure => ({
  step: 3,
  op: 'link.new',
  errno: 17,
  syscall: '',
  extAck: '',
  attribute: '',
  ...more,
})

t.test('names of errnos', async (t) => {
  const names: [number, string][] = [
    [1, 'EPERM'],
    [2, 'ENOENT'],
    [17, 'EEXIST'],
    [19, 'ENODEV'],
    [22, 'EINVAL'],
    [85, 'ERESTART'],
    [95, 'EOPNOTSUPP'],
    [99, 'EADDRNOTAVAIL'],
    [101, 'ENETUNREACH'],
    [113, 'EHOSTUNREACH'],
  ]
  for (const [number, name] of names) t.equal(errnoName(number), name)
  t.equal(errnoName(4095), 'E4095')
  // EAGAIN and EWOULDBLOCK are one number.
  t.equal(errnoName(11), 'EAGAIN')
})

t.test('the kernel answered', async (t) => {
  const error = toError(
    failure({ extAck: 'the words', attribute: 'info.data' }),
    [],
    'br0',
  )
  t.ok(error instanceof NetlinkError)
  t.ok(error instanceof Error)
  t.match(error, {
    name: 'NetlinkError',
    code: 'EEXIST',
    errno: 17,
    op: 'link.new',
    step: 3,
    extAck: 'the words',
    attribute: 'info.data',
    undoFailures: [],
    message: 'link.new: EEXIST: the words; br0 at info.data',
  })
  t.notOk('syscall' in error)
  t.equal(toError(failure({})).message, 'link.new: EEXIST')
  t.equal(toError(failure({}), [], 'br0').message, 'link.new: EEXIST: br0')
})

t.test('a system call failed', async (t) => {
  const error = toError(
    failure({ syscall: 'setns', errno: 1, op: 'netns.open' }),
    [],
    '/x',
  )
  t.ok(error instanceof SyscallError)
  t.notOk(error instanceof NetlinkError)
  t.match(error, {
    name: 'SyscallError',
    code: 'EPERM',
    errno: 1,
    op: 'netns.open',
    syscall: 'setns',
    message: 'netns.open: setns: EPERM (/x)',
  })
  t.notOk('step' in error)
})

t.test('what could not be undone comes along', async (t) => {
  const error = toError(failure({}), [
    failure({ op: 'link.del', errno: 19, step: 1 }),
    failure({ op: 'sysctl.set', errno: 2, syscall: 'open', step: 0 }),
  ])
  t.match((error as NetlinkError).undoFailures, [
    { name: 'NetlinkError', code: 'ENODEV', step: 1 },
    { name: 'SyscallError', code: 'ENOENT', op: 'sysctl.set' },
  ])
})

t.test('values that are failures', async (t) => {
  t.ok(isFailure(failure({})))
  for (const value of [undefined, null, 5, 'errno', {}, { fd: 3 }])
    t.notOk(isFailure(value))
})
