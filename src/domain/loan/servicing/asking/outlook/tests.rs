use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Outlook;
use crate::domain::calendar::DayCount;
use crate::domain::decimal;
use crate::domain::loan::servicing::properties::{Life, day, life, lived, operation, tried};
use crate::domain::loan::servicing::{
    Action, Loan, LoanStatus, LoanTerms, Operation, RecalculationTerms, Shapes,
};
use crate::domain::loan::terms::{DaysInMonth, DaysInYear, YearEnd};
use crate::domain::money::RoundingMode;

/// Days looked at after the one asked for.
const AHEAD: u64 = 70;

const MODES: [RoundingMode; 5] = [
    RoundingMode::HalfEven,
    RoundingMode::HalfUp,
    RoundingMode::HalfDown,
    RoundingMode::Ceiling,
    RoundingMode::Down,
];

prop_compose! {
    /// A life under other ways to count interest and to recognise income.
    fn life_of_any_kind()(
        life in life(),
        counted in 0usize..6,
        mode in 0usize..MODES.len(),
        (dawn, when_due, periodic, spares) in (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()),
        precision in 12u32..24,
    ) -> Life {
        let mut life = life;
        let interest = &mut life.terms.schedule.interest;
        interest.days_in_month = DaysInMonth::Actual;
        match counted {
            0 => interest.days_in_month = DaysInMonth::Thirty,
            1 => interest.days_in_year = DaysInYear::D365,
            2 => interest.days_in_year = DaysInYear::Actual,
            3 => interest.day_count = Some(DayCount::Act360),
            4 => interest.day_count = Some(DayCount::ThirtyE360),
            _ => interest.day_count = Some(DayCount::Act36525),
        }
        if dawn && counted == 2 {
            interest.year_end = YearEnd::January1;
        }
        life.terms.schedule.rounding.mode = MODES[mode];
        life.terms.schedule.rounding.precision = precision;
        life.terms.servicing.accrual.charges_when_due = when_due;
        life.terms.servicing.accrual.periodic = periodic;
        life.terms.servicing.recalculation.spare_overdue_principal = spares;
        life
    }
}

/// The interest that an outlook tells for a day.
fn told(loan: &Loan, outlook: &Outlook, on: NaiveDate) -> Decimal {
    let days = Decimal::from(on.signed_duration_since(outlook.on).num_days());
    let rounding = loan.terms().schedule.rounding;
    decimal::round(outlook.base + outlook.per_day * days, rounding.minor_units, rounding.mode)
}

/// An outlook without what moves with the day it is of.
fn fixed(outlook: &Outlook) -> Outlook {
    let mut fixed = outlook.clone();
    (fixed.on, fixed.until) = (NaiveDate::MIN, None);
    (fixed.base, fixed.per_day) = (Decimal::ZERO, Decimal::ZERO);
    fixed.earned.interest = Decimal::ZERO;
    fixed
}

proptest! {
    #![proptest_config(tried(500))]

    #[test]
    fn it_holds_on_every_day_until_it_ends(life in life_of_any_kind(), offset in 0u32..330) {
        let (loan, _) = lived(&life.terms, &life.operations);
        let on = day(offset);
        let outlook = loan.outlook(on).unwrap();
        prop_assert!(outlook.until.is_none_or(|until| on < until));
        for ahead in 0..AHEAD {
            let later = on + Days::new(ahead);
            if outlook.until.is_some_and(|until| until <= later) {
                break;
            }
            let interest = loan.accrued_interest(later).unwrap().earned;
            let then = loan.outlook(later).unwrap();
            prop_assert_eq!(told(&loan, &outlook, later), interest, "{}: {:?}", later, &outlook);
            prop_assert_eq!(then.earned.interest, interest, "{}", later);
            prop_assert_eq!(fixed(&then), fixed(&outlook), "{}", later);
            let late = loan.delinquency(later).unwrap();
            prop_assert_eq!(late.oldest_unpaid, outlook.oldest_unpaid, "{}", later);
            prop_assert_eq!(late.overdue_total, outlook.overdue, "{}", later);
            prop_assert_eq!(late.overdue.principal, outlook.overdue_principal, "{}", later);
            // The lines of a loan that is not lent, or not any more, say what would be owed.
            let is_lent = loan.status() != LoanStatus::Approved;
            let owed = if is_lent { loan.outstanding().unwrap() } else { super::Amounts::ZERO };
            prop_assert_eq!(owed, outlook.outstanding);
        }
    }

    /// The short form of a loan tells the same.
    #[test]
    fn a_packed_loan_has_the_same_outlook(life in life_of_any_kind(), offset in 0u32..330) {
        let (loan, _) = lived(&life.terms, &life.operations);
        let packed = Loan::unpack(&loan.pack().unwrap(), &mut Shapes::default()).unwrap();
        prop_assert_eq!(packed.outlook(day(offset)).unwrap(), loan.outlook(day(offset)).unwrap());
    }

    #[test]
    fn an_end_of_day_is_needed_where_it_charges(life in life(), ahead in 0u64..200) {
        let (loan, taken) = lived(&life.terms, &life.operations);
        let latest = taken.iter().map(|one| one.on).max().unwrap_or(day(0));
        let on = latest + Days::new(ahead);
        let ended = loan.clone().apply(&operation(on, Action::EndOfDay)).unwrap();
        let needed = loan.outlook(on).unwrap().needs_end_of_day;
        prop_assert_eq!(needed, ended.charges().len() > loan.charges().len());
    }

    /// What is earned does not depend on when it is recognised.
    #[test]
    fn recognition_changes_nothing_earned(life in life(), offset in 0u32..330) {
        let mut by_day = life.terms.clone();
        by_day.servicing.accrual.periodic = true;
        let mut when_paid = life.terms;
        when_paid.servicing.accrual.periodic = false;
        let (one, _) = lived(&by_day, &life.operations);
        let (other, _) = lived(&when_paid, &life.operations);
        let earned = |loan: &Loan| loan.outlook(day(offset)).unwrap().earned;
        prop_assert_eq!(earned(&one), earned(&other));
    }

    /// Once everything of a loan that is paid or not has been due, what is earned and not settled is
    /// what is outstanding.
    #[test]
    fn what_is_not_settled_in_the_end_is_outstanding(life in life()) {
        // Overdue principal that bears interest on and on does so only as of the day asked for.
        let mut terms = life.terms;
        terms.servicing.recalculation = RecalculationTerms::default();
        let plain = |one: &&Operation| {
            let first = one.on == day(0) && matches!(one.action, Action::Disburse { .. });
            first || matches!(
                one.action,
                Action::Repay { .. } | Action::Chargeback { .. } | Action::EndOfDay
            )
        };
        let plain: Vec<Operation> = life.operations.iter().filter(plain).cloned().collect();
        let (loan, _) = lived(&terms, &plain);
        let outlook = loan.outlook(day(2_000)).unwrap();
        if loan.status() == LoanStatus::Active {
            let receivable = outlook.earned.minus(&outlook.settled).unwrap();
            prop_assert_eq!(receivable.interest, outlook.outstanding.interest, "{:?}", loan.lines());
            prop_assert_eq!(receivable.fee, outlook.outstanding.fee, "{:?}", loan.lines());
            prop_assert_eq!(receivable.penalty, outlook.outstanding.penalty, "{:?}", loan.lines());
        }
    }

    /// A loan that is paid on its due dates is looked at on them and on no other day.
    #[test]
    fn a_plain_loan_is_told_from_due_date_to_due_date(
        cents in 10_000u32..100_000_000, rate in 1u32..300, paid in 0usize..11, ahead in 0u64..31,
        kind in 0usize..3,
    ) {
        let kinds = [("progressive", "none"), ("progressive", "daily"), ("cumulative", "none")];
        let (family, recalculation) = kinds[kind];
        let (loan, dues) = paid_on_time(json!({
            "principal": Decimal::new(cents.into(), 2), "annual_rate": Decimal::new(rate.into(), 3),
            "instalments": 12, "disbursed_on": "2024-01-01",
            "rounding": {"family": family, "mode": "half_up"},
            "interest": {"days_in_month": "actual", "days_in_year": 365},
            "recalculation": {"interest": recalculation}
        }), paid);
        let before = if paid == 0 { day(0) } else { dues[paid - 1] };
        let on = before + Days::new(ahead);
        if on < dues[paid] {
            let outlook = loan.outlook(on).unwrap();
            prop_assert_eq!(outlook.until, Some(dues[paid]), "{:?}", outlook);
            prop_assert_eq!(outlook.next_due, Some(dues[paid]));
        }
    }
}

/// A loan whose first instalments were paid when they were due, and all due dates.
fn paid_on_time(terms: Value, paid: usize) -> (Loan, Vec<NaiveDate>) {
    let terms = LoanTerms::from_json(terms).unwrap();
    let amount = terms.schedule.principal;
    let mut loan = Loan::open(terms).unwrap();
    loan = loan.apply(&operation(day(0), Action::Disburse { amount })).unwrap();
    let dues: Vec<NaiveDate> = loan.lines().iter().map(|line| line.due_date).collect();
    for (at, &due) in dues.iter().enumerate().take(paid) {
        let amount = loan.lines()[at].outstanding().unwrap().total().unwrap();
        let repay: Operation =
            serde_json::from_value(json!({"type": "repay", "on": due, "amount": amount})).unwrap();
        loan = loan.apply(&repay).unwrap();
    }
    (loan, dues)
}

#[test]
fn a_loan_that_owes_nothing_never_changes() {
    let terms = json!({
        "principal": 1000, "annual_rate": "0.07", "instalments": 3, "disbursed_on": "2024-01-01"
    });
    let (loan, dues) = paid_on_time(terms, 3);
    let outlook = loan.outlook(dues[2]).unwrap();
    assert_eq!((outlook.status, outlook.until), (LoanStatus::Closed, None));
    assert_eq!(outlook.settled.interest, outlook.earned.interest);
    assert_eq!(outlook.per_day, Decimal::ZERO);
}

/// 1000 at 7.3 % of 365 days: 20 cents a day.
#[test]
fn interest_grows_by_the_same_part_every_day() {
    let terms = json!({
        "principal": 1000, "annual_rate": "0.073", "instalments": 3, "disbursed_on": "2024-01-01",
        "interest": {"days_in_month": "actual", "days_in_year": 365}
    });
    let (loan, dues) = paid_on_time(terms, 0);
    let outlook = loan.outlook(day(10)).unwrap();
    assert_eq!(
        (outlook.base.normalize(), outlook.per_day.normalize()),
        (Decimal::TWO, Decimal::new(2, 1))
    );
    assert_eq!((outlook.next_due, outlook.until), (Some(dues[0]), Some(dues[0])));
    assert_eq!(outlook.oldest_unpaid, None);
    let late = loan.outlook(dues[0] + Days::new(1)).unwrap();
    assert_eq!((late.oldest_unpaid, late.next_due), (Some(dues[0]), Some(dues[1])));
}

/// A fee of 4 January, recorded then and due on the sixth, is earned as it is recorded, and waived on
/// the due date: a look from the first day ends on the fourth.
#[test]
fn a_charge_that_is_waived_is_earned_before() {
    let terms = LoanTerms::from_json(json!({
        "principal": 100, "annual_rate": "0", "instalments": 2, "disbursed_on": "2024-01-01",
        "accrual": {"charges_when_due": false, "periodic": false}
    }))
    .unwrap();
    let operations: Vec<Operation> = serde_json::from_value(json!([
        {"type": "disburse", "on": "2024-01-01", "amount": 100},
        {"type": "charge", "on": "2024-01-04", "id": "fee", "name": "fee", "value": 1,
         "timing": "on_date", "due_on": "2024-01-06"},
        {"type": "waive_charge", "on": "2024-01-21", "charge": "fee"}
    ]))
    .unwrap();
    let loan = Loan::fold(terms, &operations).unwrap();
    let seen = |offset| loan.outlook(day(offset)).unwrap();
    assert_eq!((seen(0).earned.fee, seen(0).until), (Decimal::ZERO, Some(day(3))));
    assert_eq!((seen(3).earned.fee, seen(3).until), (Decimal::ONE, Some(day(4))));
}
