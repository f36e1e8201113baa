//! The fast way gives the rows of the general engine, to the last minor unit.

use chrono::NaiveDate;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::domain::calendar::{Frequency, RollRule};
use crate::domain::loan::schedule;
use crate::domain::loan::terms::{DaysInMonth, Interest};

const MODES: [RoundingMode; 7] = [
    RoundingMode::HalfEven,
    RoundingMode::HalfUp,
    RoundingMode::HalfDown,
    RoundingMode::Up,
    RoundingMode::Down,
    RoundingMode::Ceiling,
    RoundingMode::Floor,
];

/// Whether the loan went the fast way; panics where the two ways differ.
fn agrees(terms: &ScheduleTerms) -> bool {
    let mut fast = LevelSchedule::default();
    if !level_schedule(terms, &mut fast).unwrap() {
        return false;
    }
    // Growth over centuries outgrows the decimals of the general engine, not these integers.
    let exact = match schedule(terms) {
        Err(ScheduleError::Arithmetic(_)) => return true,
        exact => exact.unwrap(),
    };
    assert_eq!(fast.rows.len(), exact.rows.len(), "{terms:?}");
    let money = |units: i64| Decimal::new(units, fast.minor_units);
    for (at, (ours, theirs)) in fast.rows.iter().zip(&exact.rows).enumerate() {
        let due = date_of(fast.due[at]).unwrap();
        let found = (due, money(ours.principal), money(ours.interest), money(ours.closing));
        let want = (theirs.due_date, theirs.principal, theirs.interest, theirs.closing_balance);
        assert_eq!(found, want, "row {at} of {terms:?}");
        assert_eq!(money(ours.total), theirs.total, "row {at} of {terms:?}");
    }
    assert_eq!(money(fast.instalment), exact.instalment, "{terms:?}");
    true
}

fn loan(minor: i64, rate: Decimal, instalments: u32, day: u32) -> ScheduleTerms {
    let on = NaiveDate::from_ymd_opt(2023, 1, 1).unwrap() + chrono::Days::new(u64::from(day));
    ScheduleTerms::new(Decimal::new(minor, 2), rate, instalments, on)
}

#[test]
fn ordinary_loans_go_the_fast_way() {
    let terms = |index: u32| {
        let minor = 1_000_000 + i64::from(index) * 991;
        loan(minor, Decimal::new(10 + i64::from(index) % 140, 3), 12 + index % 349, index % 365)
    };
    let fast = (0..400).filter(|&index| agrees(&terms(index))).count();
    assert!(fast >= 396, "only {fast} of 400");
}

/// A factor of a half per cent makes every second cent a tie.
#[test]
fn ties_are_decided_exactly() {
    for mode in MODES {
        for index in 0..60 {
            let mut terms = loan(1_000_000 + index * 100, Decimal::new(6, 2), 48, 0);
            terms.rounding.mode = mode;
            agrees(&terms);
        }
    }
}

#[test]
fn terms_that_are_not_plain_are_left_to_the_general_engine() {
    let plain = loan(1_000_000, Decimal::new(6, 2), 12, 0);
    let changed = |change: fn(&mut ScheduleTerms)| {
        let mut terms = plain.clone();
        change(&mut terms);
        level_schedule(&terms, &mut LevelSchedule::default()).unwrap()
    };
    assert!(changed(|_| {}));
    assert!(!changed(|terms| terms.balloon = Decimal::ONE));
    assert!(!changed(|terms| terms.first_due_on = NaiveDate::from_ymd_opt(2023, 3, 1)));
    assert!(!changed(|terms| terms.interest.days_in_year = DaysInYear::Actual));
    assert!(!changed(|terms| terms.grace.interest_free = 1));
    assert!(!changed(|terms| terms.due_dates.roll = RollRule::parse("second tuesday").unwrap()));
    assert!(!changed(|terms| terms.annual_rate = Decimal::from(13)));
}

proptest! {
    #[test]
    fn fast_and_general_agree(
        minor in 1i64..100_000_000_000,
        rate in 0i64..2_000_000,
        rate_digits in 2u32..7,
        instalments in 1u32..480,
        day in 0u32..1500,
        mode in 0usize..7,
        precision in prop::sample::select(vec![12u32, 16, 19, 28]),
        every in prop::sample::select(vec!["monthly", "weekly", "every 15 days", "quarterly", "annual"]),
        actual in any::<bool>(),
        year in prop::sample::select(vec![DaysInYear::D360, DaysInYear::D364, DaysInYear::D365]),
        roll in prop::sample::select(vec![
            RollRule::SameDay,
            RollRule::LastDay,
            RollRule::FirstDayOfNextMonth,
            RollRule::parse("second tuesday").unwrap(),
        ]),
        multiple in prop::sample::select(vec![None, Some(1i64), Some(100), Some(5)]),
        up in any::<bool>(),
        off in any::<bool>(),
    ) {
        let rate = Decimal::new(rate, 6).trunc_with_scale(rate_digits);
        let mut terms = loan(minor, rate, instalments, day);
        terms.frequency = Frequency::parse(every).unwrap();
        prop_assume!(terms.frequency.months().is_some() || !matches!(roll, RollRule::NthWeekday { .. }));
        terms.due_dates.roll = roll;
        terms.rounding.mode = MODES[mode];
        terms.rounding.precision = precision;
        terms.rounding.multiple = multiple.map(|units| Decimal::new(units, 2));
        terms.rounding.multiple_mode = up.then_some(RoundingMode::Up);
        terms.rounding.levelling = off.then_some(Levelling::Off);
        terms.interest = Interest {
            days_in_month: if actual { DaysInMonth::Actual } else { DaysInMonth::Thirty },
            days_in_year: year,
            ..Interest::default()
        };
        agrees(&terms);
    }
}
