import { load } from 'sluice'
import leavesOpen from '../cases/leaves-open.cjs'

leavesOpen({ load, runner: { expect, test } })
