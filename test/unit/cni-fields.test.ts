import t from 'tap'
import {
  COMMON_FIELDS,
  idleFields,
  refuseFields,
  type FieldTable,
} from '../../dist/esm/cni/spec/fields.js'

const table: FieldTable = {
  ...COMMON_FIELDS,
  masquerade: 'read',
  mtu: { noEffect: 'the MTU is that of the NIC' },
  multiTenancy: { refused: 'leave it out' },
}

t.test(
  'a field that changes access and does not work is refused when it is set',
  async (t) => {
    t.throws(() => refuseFields({ multiTenancy: true }, table), {
      code: 2,
      msg: 'multiTenancy: true is not supported: leave it out',
    })
    t.throws(() => refuseFields({ multiTenancy: { a: 1 } }, table, 'ipam'), {
      code: 2,
      msg: /^ipam\.multiTenancy: /,
    })
    t.throws(() => refuseFields({ multitenancy: true }, table), {
      code: 2,
      msg: 'multitenancy: true is not supported: leave it out',
    })
    for (const value of [undefined, null, false, '', []]) {
      t.doesNotThrow(
        () => refuseFields({ multiTenancy: value }, table),
        `${String(value)}`,
      )
    }
  },
)

t.test('a field that does nothing is named, with the likely name', async (t) => {
  t.same(idleFields({ name: 'x', masquerade: true, mtu: undefined }, table), [])
  t.same(idleFields({ masquarade: true, Masquerade: 1, foo: 2 }, table, 'ipam'), [
    'ipam.masquarade is not a known field: did you mean masquerade?',
    'ipam.Masquerade is not a known field: did you mean masquerade?',
    'ipam.foo is not a known field',
  ])
  t.same(idleFields({ mtu: 1400 }, table), [
    'mtu has no effect: the MTU is that of the NIC',
  ])
  // A name of every object is no field.
  t.same(idleFields({ toString: 1 }, table), ['toString is not a known field'])
})
