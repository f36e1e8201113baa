use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::domain::loan::servicing::{Loan, LoanTerms, Operation, TransactionKind};

const LENT_ON: NaiveDate = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap();

fn day(after: u64) -> NaiveDate {
    LENT_ON + Days::new(after)
}

/// A loan of 1000 over six months: progressive or of a fixed schedule, its interest following
/// payments or not.
fn terms(kind: usize) -> LoanTerms {
    let recalculation = if kind.is_multiple_of(2) { "daily" } else { "none" };
    let family = if kind < 2 { "progressive" } else { "cumulative" };
    LoanTerms::from_json(json!({
        "principal": 1000, "annual_rate": "0.095", "instalments": 6, "disbursed_on": LENT_ON,
        "rounding": {"family": family}, "recalculation": {"interest": recalculation},
        "accrual": {"activity": true}
    }))
    .unwrap()
}

fn operations(paid: &[(u64, u32)], ended: &[u64]) -> Vec<Operation> {
    let mut all = vec![(0, json!({"type": "disburse", "on": LENT_ON, "amount": 1000}))];
    for &(on, amount) in paid {
        all.push((2 * on, json!({"type": "repay", "on": day(on), "amount": amount})));
    }
    for &on in ended {
        let recorded = day(on + 1);
        let end = json!({"type": "end_of_day", "on": day(on), "recorded_on": recorded});
        all.push((2 * on + 1, end));
    }
    all.sort_by_key(|one| one.0);
    let all: Vec<Value> = all.into_iter().map(|one| one.1).collect();
    serde_json::from_value(Value::Array(all)).unwrap()
}

/// What of interest the transactions of a kind come to.
fn interest(loan: &Loan, kind: TransactionKind) -> Decimal {
    let of_kind = loan.transactions().iter().filter(|one| one.stands() && one.kind == kind);
    of_kind.map(|one| one.portions.interest).sum()
}

fn recognised(loan: &Loan) -> Decimal {
    interest(loan, TransactionKind::Accrual) - interest(loan, TransactionKind::AccrualAdjustment)
}

fn asked_for(loan: &Loan) -> Decimal {
    loan.lines().iter().map(|line| line.charged.interest).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// However often days are ended, the same is recognised by the last one, and it is what is
    /// earned by then, once two days in a row are ended: what overdue principal added to lines that
    /// were over when the first of them ended is recognised with the second. On a fixed schedule whose interest follows payments that is so without any:
    /// a payment lowers the interest of all days of its period, and what was recognised too much of
    /// them is made up for by the days to come.
    #[test]
    fn days_ended_or_skipped_come_to_the_same(
        kind in 0usize..4, paid in prop::collection::vec((1u64..170, 1u32..300), 0..4), last in 1u64..200,
    ) {
        let paid = if kind == 2 { Vec::new() } else { paid };
        let every: Vec<u64> = (0..=last).collect();
        let by_day = Loan::fold(terms(kind), &operations(&paid, &every)).unwrap();
        let at_once = Loan::fold(terms(kind), &operations(&paid, &[last - 1, last])).unwrap();
        let earned = by_day.accrued_interest(day(last)).unwrap();
        prop_assert_eq!(recognised(&by_day), recognised(&at_once));
        prop_assert_eq!(earned.recognised, recognised(&by_day));
        prop_assert_eq!(earned.unrecognised, Decimal::ZERO);
    }

    /// Once nothing is owed any more, everything that was asked for is recognised and noted.
    #[test]
    fn a_loan_that_is_paid_off_has_recognised_all_of_it(
        kind in 0usize..4, paid in prop::collection::vec((1u64..170, 1u32..300), 0..4),
        ended in 1u64..200, off in 1u64..200,
    ) {
        let mut paid = paid;
        paid.push((off, 2000));
        let every: Vec<u64> = (0..=ended).collect();
        let loan = Loan::fold(terms(kind), &operations(&paid, &every)).unwrap();
        prop_assert_eq!(recognised(&loan), asked_for(&loan));
        prop_assert_eq!(interest(&loan, TransactionKind::AccrualActivity), asked_for(&loan));
    }

    /// A payment recorded late and taken back leaves the income of one that was never made.
    #[test]
    fn income_follows_what_is_taken_back(
        kind in 0usize..4, on in 1u64..150, amount in 1u32..900, late in 1u64..30,
    ) {
        let every: Vec<u64> = (0..on + late).collect();
        let mut all = operations(&[], &every);
        let recorded = day(on + late);
        let more = json!([
            {"type": "repay", "on": day(on), "recorded_on": recorded, "amount": amount, "id": "p"},
            {"type": "reverse", "on": recorded, "recorded_on": recorded, "of": "p"},
            {"type": "end_of_day", "on": recorded, "recorded_on": day(on + late + 1)},
        ]);
        let more: Vec<Operation> = serde_json::from_value(more).unwrap();
        let end = more[2].clone();
        all.extend(more);
        let loan = Loan::fold(terms(kind), &all).unwrap();
        let mut plain = operations(&[], &every);
        plain.push(end);
        let plain = Loan::fold(terms(kind), &plain).unwrap();
        prop_assert_eq!(recognised(&loan), recognised(&plain));
    }
}
