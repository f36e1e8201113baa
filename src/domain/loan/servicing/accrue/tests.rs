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

/// What a loan of 1000 at 12 % over twelve months has earned each evening, by its method.
fn earned_by_method(method: &str, recalculation: &str, grace: u32) -> Vec<Decimal> {
    let terms = LoanTerms::from_json(json!({
        "principal": 1000, "annual_rate": "0.12", "instalments": 12, "disbursed_on": LENT_ON,
        "method": method, "rounding": {"family": "cumulative"}, "grace": {"interest_payment": grace},
        "recalculation": {"interest": recalculation}
    }))
    .unwrap();
    let loan = Loan::fold(terms, &operations(&[], &[])).unwrap();
    let earned = |after| loan.accrued_interest(day(after)).unwrap().earned;
    (0..=380).map(earned).collect()
}

/// Whether interest is asked for each month or at the end, each period earns its own.
#[test]
fn interest_is_earned_when_it_is_borne_and_not_when_it_is_asked_for() {
    for recalculation in ["none", "daily"] {
        let monthly = earned_by_method("interest_only", "none", 0);
        assert_eq!(monthly[..].iter().rev().take(15).max(), monthly.last());
        assert_eq!(earned_by_method("bullet", "none", 0), monthly, "{recalculation}");
        assert_eq!(earned_by_method("interest_only", recalculation, 5)[..32], monthly[..32]);
    }
    assert_eq!(earned_by_method("interest_only", "none", 5), earned_by_method("bullet", "none", 0));
}

/// Who ends a bullet before its time is asked for the interest until then.
#[test]
fn a_terminated_bullet_asks_for_the_interest_until_then() {
    let terms = LoanTerms::from_json(json!({
        "principal": 1000, "annual_rate": "0.12", "instalments": 12, "disbursed_on": LENT_ON,
        "method": "bullet", "rounding": {"family": "cumulative"}
    }))
    .unwrap();
    let agreed = Loan::fold(terms.clone(), &operations(&[], &[])).unwrap();
    for (paid, after) in [(0, 100), (70, 100), (0, 350), (70, 350)] {
        let mut all = operations(&[], &[]);
        if paid > 0 {
            let payment = json!({"type": "repay", "on": day(50), "amount": paid});
            all.push(serde_json::from_value(payment).unwrap());
        }
        let end = json!({"type": "terminate", "on": day(after)});
        all.push(serde_json::from_value(end).unwrap());
        let ended = Loan::fold(terms.clone(), &all).unwrap();
        let earned = agreed.accrued_interest(day(after)).unwrap().earned;
        assert_eq!(asked_for(&ended), earned.max(Decimal::from(paid)), "{paid} {after}");
        assert_eq!(ended.accrued_interest(day(after)).unwrap().earned, asked_for(&ended));
    }
}

/// Interest that a holiday from it put off is asked for when the loan is terminated before the next
/// instalment, whether or not it follows payments.
#[test]
fn a_termination_asks_for_interest_that_was_put_off() {
    for kind in 0..4 {
        let ended = |put_off: bool| {
            let mut all = operations(&[], &[]);
            if put_off {
                let grace = json!({"type": "reschedule", "on": day(1), "interest_grace": 2});
                all.push(serde_json::from_value(grace).unwrap());
            }
            let end = json!({"type": "terminate", "on": day(80)});
            all.push(serde_json::from_value(end).unwrap());
            Loan::fold(terms(kind), &all).unwrap()
        };
        // Principal that is repaid later bears a little more.
        let (put_off, usual) = (asked_for(&ended(true)), asked_for(&ended(false)));
        assert!(put_off >= usual && put_off - usual < Decimal::ONE, "{kind}: {put_off} {usual}");
    }
}

/// What is forgiven of interest that a bullet asks for at the end is not earned, whenever it is
/// forgiven, and the line of days says what every day says.
#[test]
fn interest_forgiven_before_it_is_asked_for_is_not_earned() {
    let terms = LoanTerms::from_json(json!({
        "principal": 1000, "annual_rate": "0.12", "instalments": 12, "disbursed_on": LENT_ON,
        "method": "bullet", "rounding": {"family": "cumulative"}
    }))
    .unwrap();
    let agreed = Loan::fold(terms.clone(), &operations(&[], &[])).unwrap();
    for (on, forgiven) in [(100, 20), (100, 60), (340, 100)] {
        let mut all = operations(&[], &[]);
        let waiver = json!({"type": "waive_interest", "on": day(on), "amount": forgiven});
        all.push(serde_json::from_value(waiver).unwrap());
        let loan = Loan::fold(terms.clone(), &all).unwrap();
        for after in (on..=380).step_by(7) {
            let whole = agreed.accrued_interest(day(after)).unwrap().earned;
            let kept = (whole - Decimal::from(forgiven)).max(Decimal::ZERO);
            assert_eq!(loan.accrued_interest(day(after)).unwrap().earned, kept, "{after}");
            let line = loan.interest_line(day(after)).unwrap();
            assert_eq!(line.earned, kept);
        }
    }
}
