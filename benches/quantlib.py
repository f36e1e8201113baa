"""Seconds that QuantLib takes from Python for amortising bonds of 360 rows: built, and every cash
flow's date and amount read. Prints the seconds and the number of rows."""

import sys
import time

import QuantLib as ql

LOANS, INSTALMENTS = int(sys.argv[1]), 360
start = ql.Date(31, 1, 2024)
ql.Settings.instance().evaluationDate = start
schedule = ql.Schedule(
    start, start + ql.Period(INSTALMENTS, ql.Months), ql.Period(1, ql.Months), ql.NullCalendar(),
    ql.Unadjusted, ql.Unadjusted, ql.DateGeneration.Forward, False)

began = time.perf_counter()
rows = 0
for index in range(LOANS):
    principal, rate = 100000 + index * 17.13, 0.03 + index % 50 * 0.001
    periodic = rate / 12
    growth = (1 + periodic) ** INSTALMENTS
    payment = principal * periodic * growth / (growth - 1)
    balance, notionals = principal, []
    for _ in range(INSTALMENTS):
        notionals.append(balance)
        balance -= payment - balance * periodic
    bond = ql.AmortizingFixedRateBond(
        0, notionals, schedule, [rate], ql.Thirty360(ql.Thirty360.BondBasis))
    flows = [(flow.date(), flow.amount()) for flow in bond.cashflows()]
    rows += len(flows) // 2
print(time.perf_counter() - began, rows)
