//! What holds for a loan whatever happens to it.

use chrono::NaiveDate;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::domain::loan::terms::{DaysInMonth, DaysInYear};
use crate::domain::loan::{ScheduleTerms, progressive_model, schedule};
use crate::domain::money::RoundingMode;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn day(offset: u32) -> NaiveDate {
    date("2024-01-01") + chrono::Days::new(u64::from(offset))
}

/// 100 at 7 per cent over six months from New Year 2024, 30/360.
fn hundred() -> ProgressiveModel {
    progressive_model(&ScheduleTerms::new(d("100"), d("0.07"), 6, day(0))).unwrap()
}

fn dues(model: &ProgressiveModel) -> Vec<NaiveDate> {
    (0..model.period_count()).map(|index| model.period(index).unwrap().due).collect()
}

#[derive(Clone, Debug)]
enum Operation {
    Disburse(u32, u32),
    Rate(u32, u32),
    PayDue(usize, u32),
    PayPrincipal(usize, u32, u32),
    Pause(u32, u32),
    ChargeBack(u32, u32, u32),
}

impl Operation {
    /// The day it happens: operations are recorded in this order.
    fn day(&self) -> u32 {
        match *self {
            Self::Disburse(on, _)
            | Self::Rate(on, _)
            | Self::PayDue(_, on)
            | Self::PayPrincipal(_, on, _)
            | Self::Pause(on, _)
            | Self::ChargeBack(on, ..) => on,
        }
    }
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        (0u32..200, 1u32..5_000).prop_map(|(on, amount)| Operation::Disburse(on, amount)),
        (1u32..200, 0u32..3_000).prop_map(|(on, rate)| Operation::Rate(on, rate)),
        (0usize..6, 0u32..200).prop_map(|(index, on)| Operation::PayDue(index, on)),
        (0usize..6, 0u32..200, 1u32..2_000)
            .prop_map(|(index, on, amount)| Operation::PayPrincipal(index, on, amount)),
        (1u32..170, 0u32..60).prop_map(|(from, days)| Operation::Pause(from, days)),
        (0u32..180, 1u32..1_000, 0u32..50)
            .prop_map(|(on, principal, interest)| Operation::ChargeBack(on, principal, interest)),
    ]
}

fn cents(amount: u32) -> Decimal {
    Decimal::new(i64::from(amount), 2)
}

fn apply(model: &mut ProgressiveModel, operation: &Operation) -> Result<(), ScheduleError> {
    match *operation {
        Operation::Disburse(on, amount) => model.add_disbursement(day(on), cents(amount)),
        Operation::Rate(on, rate) => {
            model.change_interest_rate(day(on), Decimal::new(i64::from(rate), 4))
        }
        Operation::PayDue(index, on) => {
            let due = dues(model)[index];
            let amounts = model.due_amounts(due, day(on))?;
            let period = model.period(index)?;
            let interest = (amounts.interest - period.interest_paid).max(Decimal::ZERO);
            let principal = (amounts.principal - period.principal_paid).max(Decimal::ZERO);
            model.pay_interest(due, interest)?;
            model.pay_principal(due, day(on), principal)
        }
        Operation::PayPrincipal(index, on, amount) => {
            // No more than is due is ever allocated to an instalment.
            let due = dues(model)[index];
            let most = model.due_amounts(due, day(on))?.principal;
            let paid = model.period(index)?.principal_paid;
            model.pay_principal(due, day(on), cents(amount).min((most - paid).max(Decimal::ZERO)))
        }
        Operation::Pause(from, days) => model.pause_interest(day(from), day(from + days)),
        Operation::ChargeBack(on, principal, interest) => {
            model.charge_back_principal(day(on), cents(principal))?;
            model.charge_back_interest(day(on), cents(interest))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_amounts_are_sane(
        mut operations in proptest::collection::vec(operation(), 0..12),
    ) {
        operations.sort_by_key(Operation::day);
        let mut model = hundred();
        for operation in &operations {
            let before = model.clone();
            if model.transact(|model| apply(model, operation)).is_err() {
                prop_assert_eq!(&model, &before, "a failed operation changed the loan");
            }
            for index in 0..model.period_count() {
                let period = model.period(index).unwrap();
                for amount in [
                    period.instalment + period.charged_back, period.principal_due,
                    period.interest_due, period.closing_balance,
                ] {
                    prop_assert!(amount >= Decimal::ZERO, "{:?} after {:?}", period, operation);
                }
                let segments = model.segments(index).unwrap();
                prop_assert_eq!(segments[0].from, period.start);
                prop_assert_eq!(segments[segments.len() - 1].until, period.due);
                prop_assert!(segments.windows(2).all(|pair| pair[0].until == pair[1].from));
            }
            let due: i128 = model.periods.iter().map(Period::due_principal).sum();
            let credited: i128 = model.segments.iter().map(|one| one.disbursed + one.charged_back_principal).sum();
            let paid: i128 = model.periods.iter().map(|one| one.paid_principal).sum();
            if paid <= credited {
                prop_assert_eq!(due, credited, "after {:?}", operation);
            }
            let text = serde_json::to_string(&model).unwrap();
            prop_assert_eq!(&serde_json::from_str::<ProgressiveModel>(&text).unwrap(), &model);
        }
    }

    /// Principal that is overdue bears interest, so seen later an unpaid loan costs no less, and
    /// as much as ever once nothing more can fall due.
    #[test]
    fn overdue_principal_bears_interest(early in 0u32..250, later in 0u32..100, rate in 0u32..3_000) {
        let terms = ScheduleTerms::new(d("100"), Decimal::new(i64::from(rate), 4), 6, day(0));
        let seen = |on| {
            let mut model = progressive_model(&terms).unwrap();
            model.carry_overdue(day(on)).unwrap();
            let principal: Decimal =
                (0..6).map(|index| model.period(index).unwrap().principal_due).sum();
            assert_eq!(principal, d("100"));
            model.total_interest().unwrap()
        };
        prop_assert!(seen(early) <= seen(early + later));
        if early > 182 {
            prop_assert_eq!(seen(early), seen(early + later));
        }
    }

    /// Paying each instalment when it is due leaves the schedule as it was and nothing at the end.
    #[test]
    fn paying_as_agreed_changes_nothing(
        principal in 1_000u32..10_000_000, rate in 0u32..6_000, instalments in 1u32..24, daily in any::<bool>(),
    ) {
        let mut terms = ScheduleTerms::new(
            cents(principal), Decimal::new(i64::from(rate), 4), instalments, day(30),
        );
        if daily {
            terms.interest.days_in_month = crate::domain::loan::terms::DaysInMonth::Actual;
            terms.interest.days_in_year = crate::domain::loan::terms::DaysInYear::Actual;
        }
        let rows = schedule(&terms).unwrap().rows;
        let mut model = progressive_model(&terms).unwrap();
        for row in &rows {
            model.pay_interest(row.due_date, row.interest).unwrap();
            model.pay_principal(row.due_date, row.due_date, row.principal).unwrap();
        }
        for (index, row) in rows.iter().enumerate() {
            let period = model.period(index).unwrap();
            prop_assert_eq!(period.principal_due, row.principal);
            prop_assert_eq!(period.interest_due, row.interest);
            prop_assert!(period.fully_paid);
        }
        let left = model.outstanding(model.end()).unwrap();
        prop_assert_eq!(left, Outstanding { principal: Decimal::ZERO, interest: Decimal::ZERO });
    }

    /// The short ways to an instalment and to interest come to what the long ways come to.
    #[test]
    fn what_is_certain_is_exact(
        cents in 1i64..100_000_000_000,
        rate in 0i64..60_000,
        instalments in 1u32..480,
        precision in 4u32..29,
        mode in proptest::sample::select(vec![
            RoundingMode::HalfEven,
            RoundingMode::HalfUp,
            RoundingMode::HalfDown,
            RoundingMode::Up,
            RoundingMode::Down,
            RoundingMode::Ceiling,
            RoundingMode::Floor,
        ]),
        months_are_actual in any::<bool>(),
    ) {
        let mut terms =
            ScheduleTerms::new(Decimal::new(cents, 2), Decimal::new(rate, 4), instalments, day(0));
        (terms.rounding.precision, terms.rounding.mode) = (precision, mode);
        if months_are_actual {
            terms.interest.days_in_month = DaysInMonth::Actual;
            terms.interest.days_in_year = DaysInYear::D365;
        }
        let Ok(mut model) = progressive_model(&terms) else { return Ok(()) };
        if let Some(certain) = model.certain_instalment(0) {
            prop_assert_eq!(certain, model.exact_instalment(0).unwrap());
        }
        let short = model.clone();
        model.segments.iter_mut().for_each(|segment| segment.fixed = None);
        model.refresh(0).unwrap();
        prop_assert_eq!(short.periods, model.periods);
    }

    /// The interest of the days is the interest of the period.
    #[test]
    fn days_add_up_to_their_period(principal in 1_000u32..10_000_000, rate in 0u32..6_000) {
        let terms =
            ScheduleTerms::new(cents(principal), Decimal::new(i64::from(rate), 4), 6, day(0));
        let model = progressive_model(&terms).unwrap();
        let sum: Decimal = (1..=31).map(|offset| model.daily_interest(day(offset)).unwrap()).sum();
        prop_assert_eq!(sum, model.period(0).unwrap().interest_due);
    }

    /// A loan paid off on a day costs the interest up to that day and has nothing left.
    #[test]
    fn what_pays_a_loan_off_pays_it_off(on in 0u32..31, principal in 1_000u32..1_000_000) {
        let terms = ScheduleTerms::new(cents(principal), d("0.12"), 6, day(0));
        let mut model = progressive_model(&terms).unwrap();
        let owed = model.outstanding(day(on)).unwrap();
        prop_assert_eq!(owed.principal, cents(principal));
        prop_assert_eq!(owed.interest, model.interest_until(dues(&model)[0], day(on), true).unwrap());
        model.pay_interest(dues(&model)[0], owed.interest).unwrap();
        model.pay_principal(dues(&model)[0], day(on), owed.principal).unwrap();
        let left = model.outstanding(day(on)).unwrap();
        prop_assert_eq!(left, Outstanding { principal: Decimal::ZERO, interest: Decimal::ZERO });
        prop_assert_eq!(model.total_interest().unwrap(), owed.interest);
    }
}

#[test]
fn dates_that_are_not_of_the_loan_are_refused() {
    let mut model = hundred();
    let before = model.clone();
    let outside = |error| matches!(error, Err(ScheduleError::OutsideTerm { .. }));
    assert!(outside(model.add_disbursement(date("2023-12-31"), d("1"))));
    assert!(outside(model.add_disbursement(date("2024-07-02"), d("1"))));
    assert!(outside(model.change_interest_rate(date("2030-01-01"), d("0.1"))));
    assert!(outside(model.pause_interest(date("2025-01-01"), date("2025-02-01"))));
    assert!(matches!(
        model.pay_interest(date("2024-02-02"), d("1")),
        Err(ScheduleError::NoInstalmentDue { .. })
    ));
    assert!(matches!(
        model.change_interest_rate(date("2024-03-01"), d("-0.1")),
        Err(ScheduleError::NoSolution { .. })
    ));
    let largest = Decimal::MAX;
    assert!(model.transact(|model| model.add_disbursement(date("2024-03-01"), largest)).is_err());
    assert_eq!(model, before);
    assert!(model.period(6).is_err());
}

#[test]
fn a_loan_needs_periods_in_order() {
    let rules = ProgressiveRules::of(&ScheduleTerms::new(d("1"), d("0"), 1, day(0)));
    assert!(ProgressiveModel::new(rules, day(0), &[]).is_err());
    assert!(ProgressiveModel::new(rules, day(0), &[day(31), day(31)]).is_err());
}

#[test]
fn a_stored_loan_is_small_and_is_checked_when_read() {
    let text = serde_json::to_string(&hundred()).unwrap();
    assert!(text.contains(r#"{"due":"2024-03-01","units":"1","instalment":1701}"#), "{text}");
    for (good, bad) in [
        (r#""due":"2024-03-01""#, r#""due":"2024-01-15""#),
        (
            r#"{"until":"2024-01-01","disbursed":10000}"#,
            r#"{"until":"2024-03-01","disbursed":10000}"#,
        ),
        (r#","instalment":1700"#, r#","instalment":1700,"colour":1"#),
    ] {
        assert!(text.contains(good), "{good} in {text}");
        assert!(
            serde_json::from_str::<ProgressiveModel>(&text.replace(good, bad)).is_err(),
            "{bad}"
        );
    }
}
