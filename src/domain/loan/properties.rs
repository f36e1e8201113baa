//! What holds for every loan.

use chrono::NaiveDate;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::terms::*;
use super::*;
use crate::domain::calendar::{DayCount, Frequency, RollRule};
use crate::domain::money::RoundingMode;

const METHODS: [Method; 6] = [
    Method::Annuity,
    Method::EqualPrincipal,
    Method::Flat,
    Method::SimpleInterest,
    Method::InterestOnly,
    Method::Bullet,
];
const FAMILIES: [RoundingFamily; 3] =
    [RoundingFamily::Progressive, RoundingFamily::Cumulative, RoundingFamily::None];
const MODES: [RoundingMode; 7] = [
    RoundingMode::HalfEven,
    RoundingMode::HalfUp,
    RoundingMode::HalfDown,
    RoundingMode::Up,
    RoundingMode::Down,
    RoundingMode::Ceiling,
    RoundingMode::Floor,
];
const FREQUENCIES: [Frequency; 6] = [
    Frequency::MONTHLY,
    Frequency::BIWEEKLY,
    Frequency::SEMIMONTHLY,
    Frequency::QUARTERLY,
    Frequency::DAILY,
    Frequency::ANNUAL,
];
const DAY_COUNTS: [Option<DayCount>; 5] = [
    None,
    Some(DayCount::Act360),
    Some(DayCount::ActActIsda),
    Some(DayCount::ThirtyE360),
    Some(DayCount::Bus252),
];

fn pick<T: Copy + std::fmt::Debug + 'static>(from: &'static [T]) -> impl Strategy<Value = T> {
    (0..from.len()).prop_map(move |index| from[index])
}

fn day(offset: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2023, 1, 1).unwrap() + chrono::Days::new(u64::from(offset))
}

prop_compose! {
    fn interest()(
        month in pick(&[DaysInMonth::Actual, DaysInMonth::Thirty]),
        year in pick(&[DaysInYear::Actual, DaysInYear::D360, DaysInYear::D364, DaysInYear::D365]),
        leap in pick(&[LeapDay::FullYear, LeapDay::Feb29PeriodOnly]),
        end in pick(&[YearEnd::December31, YearEnd::January1]),
        day_count in pick(&DAY_COUNTS),
        period in pick(&[InterestPeriod::Daily, InterestPeriod::SameAsRepayment]),
        partial_periods in any::<bool>(),
    ) -> Interest {
        Interest {
            days_in_month: month, days_in_year: year, leap_day: leap, year_end: end, day_count,
            period, partial_periods, capitalise: false,
        }
    }
}

prop_compose! {
    fn rounding()(
        family in pick(&FAMILIES),
        mode in pick(&MODES),
        minor_units in 0u32..4,
        precision in pick(&[12u32, 19, 24]),
        multiple in pick(&[None, None, Some(1u32), Some(5)]),
        levelling in pick(&[
            None, Some(Levelling::Off), Some(Levelling::Smooth), Some(Levelling::Remainder),
        ]),
        residue in pick(&[Residue::Last, Residue::Last, Residue::First]),
    ) -> Rounding {
        Rounding {
            family, mode, minor_units, precision, multiple: multiple.map(Decimal::from),
            multiple_mode: None, levelling, residue,
        }
    }
}

prop_compose! {
    /// Loans of every method, family, mode, basis and frequency.
    fn simple_terms()(
        units in 1_000u32..1_000_000,
        rate in prop_oneof![Just(0u32), 1u32..60_000],
        instalments in 1u32..60,
        start in 0u32..800,
        frequency in pick(&FREQUENCIES),
        method in pick(&METHODS),
        roll in pick(&[RollRule::SameDay, RollRule::LastDay, RollRule::FirstDayOfNextMonth]),
        interest in interest(),
        rounding in rounding(),
    ) -> ScheduleTerms {
        let mut terms = ScheduleTerms::new(
            Decimal::from(units), Decimal::new(i64::from(rate), 5), instalments, day(start),
        );
        terms.frequency = frequency;
        terms.method = method;
        terms.due_dates.roll = roll;
        terms.interest = interest;
        terms.rounding = rounding;
        terms
    }
}

prop_compose! {
    /// The same with everything that varies instalments, where it goes with the method.
    fn varied_terms()(
        mut terms in simple_terms(),
        which in any::<u16>(),
        share in 1u32..50,
        number in 1u32..60,
        gap in 1u32..200,
        grace in 0u32..5,
    ) -> ScheduleTerms {
        let has = |bit: u32| which >> bit & 1 == 1;
        let n = terms.instalments;
        let follows = !matches!(terms.method, Method::Flat | Method::SimpleInterest);
        let part = (terms.principal * Decimal::new(i64::from(share), 2)).floor();
        if has(0) && n > grace {
            terms.grace.principal = grace;
            terms.grace.capitalise = has(12) && follows;
        }
        if has(1) && n > grace { terms.grace.interest_payment = grace; }
        if has(2) && n > grace { terms.grace.moratorium = grace; }
        if has(3) { terms.grace.interest_free = grace.min(n); }
        if has(4) && n > 3 { terms.grace.recurring_principal = grace.min(2); }
        if has(5) { terms.down_payment = Some(DownPayment { amount: None, fraction: Some(Decimal::new(i64::from(share), 2)) }); }
        if has(6) && follows && n > 1 {
            let end = super::plan::Plan::of(&terms).unwrap().periods.last().unwrap().span.due;
            let on = terms.disbursed_on + chrono::Days::new(u64::from(gap));
            if on < end { terms.disbursements = vec![Disbursement::new(on, part.max(Decimal::ONE))]; }
        }
        if has(7) && follows {
            let from = terms.disbursed_on + chrono::Days::new(u64::from(gap));
            terms.rate_changes = vec![RateChange { from, annual_rate: Decimal::new(i64::from(share), 2) }];
            terms.recast = has(8);
        }
        if has(9) && matches!(terms.method, Method::Annuity | Method::EqualPrincipal | Method::Flat) {
            terms.balloon = part;
        }
        if has(10) && matches!(terms.method, Method::Annuity | Method::EqualPrincipal) {
            terms.step = Some(Step { every: grace + 1, amount: None, fraction: Some(Decimal::new(i64::from(share) - 25, 3)), of: None });
        }
        if has(11) && number < n && follows {
            terms.custom = vec![CustomInstalment { number, instalment: None, principal: None, skip: true }];
        }
        if has(13) { terms.negative_amortisation = NegativeAmortisation::Defer; }
        if has(14) { terms.negative_amortisation = NegativeAmortisation::Capitalise; }
        if has(15) {
            terms.fees = vec![
                Fee { name: None, value: Decimal::new(1, 2), basis: FeeBasis::AmountAndInterest, charged: FeeTiming::PerInstalment, on: None },
                Fee { name: None, value: Decimal::from(7), basis: FeeBasis::Flat, charged: FeeTiming::AtDisbursement, on: None },
            ];
        }
        terms
    }
}

/// What unrounded amounts may be off by.
fn slack(terms: &ScheduleTerms) -> Decimal {
    match terms.rounding.family {
        RoundingFamily::None => Decimal::new(1, 12),
        _ => Decimal::ZERO,
    }
}

/// The identities that every schedule keeps; exact where amounts are rounded.
fn check_identities(terms: &ScheduleTerms, schedule: &Schedule) -> Result<(), TestCaseError> {
    let slack = slack(terms);
    let near = |a: Decimal, b: Decimal| (a - b).abs() <= slack;
    let lent: Decimal = schedule.disbursements.iter().map(|one| one.amount).sum();
    let repaid: Decimal = schedule.rows.iter().map(|row| row.principal).sum();
    prop_assert!(near(repaid, lent), "repaid {} of {}", repaid, lent);
    prop_assert!(near(schedule.rows.last().unwrap().closing_balance, Decimal::ZERO));
    let may_grow = terms.grace.capitalise
        || terms.interest.capitalise
        || terms.negative_amortisation == NegativeAmortisation::Capitalise;
    let mut balance = schedule.rows[0].opening_balance;
    for (index, row) in schedule.rows.iter().enumerate() {
        prop_assert_eq!(row.number as usize, index + 1);
        prop_assert_eq!(row.opening_balance, balance);
        prop_assert_eq!(row.closing_balance, balance + row.disbursed - row.principal);
        prop_assert_eq!(row.total, row.principal + row.interest + row.fees);
        prop_assert!(row.interest >= Decimal::ZERO, "interest of row {}", row.number);
        prop_assert!(row.closing_balance >= -slack, "balance of row {}", row.number);
        prop_assert!(may_grow || row.principal >= -slack, "principal of row {}", row.number);
        if terms.rounding.family != RoundingFamily::None {
            for amount in [row.principal, row.interest, row.fees] {
                prop_assert!(amount.normalize().scale() <= terms.rounding.minor_units);
            }
        }
        balance = row.closing_balance;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn principal_repaid_is_principal_lent(terms in simple_terms()) {
        let schedule = schedule(&terms).unwrap();
        check_identities(&terms, &schedule)?;
    }

    #[test]
    fn so_it_is_whatever_varies_the_instalments(terms in varied_terms()) {
        prop_assert_eq!(terms.validate(), Ok(()));
        let schedule = schedule(&terms).unwrap();
        check_identities(&terms, &schedule)?;
    }

    #[test]
    fn without_a_rate_there_is_no_interest(mut terms in varied_terms()) {
        terms.annual_rate = Decimal::ZERO;
        terms.rate_changes.clear();
        let schedule = schedule(&terms).unwrap();
        prop_assert_eq!(total_cost(&schedule).unwrap().interest, Decimal::ZERO);
    }

    /// The two ways to a progressive annuity are one to the last minor unit.
    #[test]
    fn the_calculator_and_the_recursion_agree(mut terms in simple_terms(), gap in 1u32..200, share in 1u32..50, which in 0u8..8) {
        terms.method = Method::Annuity;
        terms.rounding.family = RoundingFamily::Progressive;
        terms.rounding.residue = Residue::Last;
        // With few digits the calculator's own roundings reach the cent.
        terms.rounding.precision = terms.rounding.precision.max(19);
        terms.interest.day_count = terms.interest.day_count.filter(|count| *count != DayCount::Bus252);
        terms.grace.principal = (u32::from(which & 1) * 2).min(terms.instalments - 1);
        let end = super::plan::Plan::of(&terms).unwrap().periods.last().unwrap().span.due;
        let on = terms.disbursed_on + chrono::Days::new(u64::from(gap));
        if which & 2 == 2 && on < end {
            terms.disbursements = vec![Disbursement::new(on, Decimal::from(share) * Decimal::TEN)];
        }
        if which & 4 == 4 {
            terms.rate_changes = vec![RateChange { from: on, annual_rate: Decimal::new(i64::from(share), 2) }];
        }
        let model = schedule(&terms).unwrap();
        // A deferral that is never needed is beyond the calculator.
        terms.negative_amortisation = NegativeAmortisation::Defer;
        let recursion = schedule(&terms).unwrap();
        prop_assert_eq!(&model.rows, &recursion.rows);
        if which < 2 {
            prop_assert_eq!(model.instalment, recursion.instalment);
        }
    }

    #[test]
    fn annuities_are_level_but_for_the_last(mut terms in simple_terms()) {
        terms.method = Method::Annuity;
        terms.rounding.residue = Residue::Last;
        let schedule = schedule(&terms).unwrap();
        let (_, others) = schedule.rows.split_last().unwrap();
        for row in others {
            let early_end = row.closing_balance.is_zero();
            let long_first = row.number <= 2 && row.principal.is_zero();
            let level = (row.total - schedule.instalment).abs() <= slack(&terms);
            prop_assert!(level || early_end || long_first, "{:?}", row);
        }
    }

    #[test]
    fn a_higher_rate_costs_more(mut terms in simple_terms(), more in 1u32..20_000) {
        terms.rounding.family = RoundingFamily::None;
        terms.rounding.multiple = None;
        // Interest that is carried bears none: then a higher rate may carry more and cost less.
        terms.negative_amortisation = NegativeAmortisation::Capitalise;
        let cheap = total_cost(&schedule(&terms).unwrap()).unwrap().interest;
        terms.annual_rate += Decimal::new(i64::from(more), 5);
        let dear = total_cost(&schedule(&terms).unwrap()).unwrap().interest;
        // A day without business bears nothing under BUS/252.
        prop_assert!(dear >= cheap, "{} < {}", dear, cheap);
    }

    /// Rounded to cents, whole per cents of the rate are larger than all rounding.
    #[test]
    fn so_it_does_in_cents(mut terms in simple_terms(), more in 1u32..20) {
        terms.frequency = Frequency::MONTHLY;
        terms.interest = Interest::default();
        terms.rounding = Rounding { family: terms.rounding.family, ..Rounding::default() };
        let cheap = total_cost(&schedule(&terms).unwrap()).unwrap().interest;
        terms.annual_rate += Decimal::new(i64::from(more), 2);
        let dear = total_cost(&schedule(&terms).unwrap()).unwrap().interest;
        prop_assert!(dear > cheap, "{} <= {}", dear, cheap);
    }

    /// Spreading the remainder ends with the last instalment within a cent for each of the others,
    /// or where another cent on each would only take it farther.
    #[test]
    fn a_remainder_is_spread_as_far_as_cents_go(
        units in 1_000u32..1_000_000, rate in 0u32..50_000, instalments in 2u32..120, family in pick(&FAMILIES[..2]),
    ) {
        let mut terms = ScheduleTerms::new(
            Decimal::from(units), Decimal::new(i64::from(rate), 5), instalments, day(30),
        );
        terms.rounding.family = family;
        terms.interest.period = InterestPeriod::SameAsRepayment;
        terms.rounding.levelling = Some(Levelling::Remainder);
        let gap = |schedule: &Schedule| schedule.rows.last().unwrap().total - schedule.instalment;
        let found = schedule(&terms).unwrap();
        let left = gap(&found);
        if left.abs() > Decimal::new(i64::from(instalments), 2) {
            let share = (left / Decimal::from(instalments)).round_dp(2);
            terms.instalment = Some(found.instalment + share);
            prop_assert!(gap(&schedule(&terms).unwrap()).abs() >= left.abs());
        }
    }

    #[test]
    fn terms_come_back_from_json(terms in varied_terms()) {
        let text = serde_json::to_string(&terms).unwrap();
        prop_assert_eq!(serde_json::from_str::<ScheduleTerms>(&text).unwrap(), terms);
    }
}

/// Found by the property above in an earlier form of the residue's move: more is lent than the first
/// instalments can hold once the rate rises and instalments stay.
#[test]
fn a_residue_at_the_front_never_makes_the_borrower_a_lender() {
    let document = serde_json::json!({
        "principal": 1000, "annual_rate": 0, "instalments": 16, "disbursed_on": "2023-01-01",
        "balloon": 330, "step": {"every": 2, "fraction": "0.008"},
        "custom": [{"number": 1, "skip": true}],
        "grace": {"principal": 1, "interest_payment": 1, "capitalise": true},
        "rate_changes": [{"from": "2023-02-02", "annual_rate": "0.33"}], "recast": false,
        "interest": {"days_in_month": "actual", "days_in_year": "actual", "partial_periods": false},
        "rounding": {"minor_units": 0, "precision": 12, "levelling": "smooth", "residue": "first"}
    });
    let terms = ScheduleTerms::from_json(document).unwrap();
    let schedule = schedule(&terms).unwrap();
    for row in &schedule.rows {
        assert!(row.interest >= Decimal::ZERO && row.closing_balance >= Decimal::ZERO, "{row:?}");
    }
}
