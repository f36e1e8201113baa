use chrono::NaiveDate;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::domain::calendar::civil::date_of;
use crate::domain::calendar::{Frequency, Weekend};
use crate::domain::error::{Condition, Refusal};

fn d(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn exact(text: &str) -> Decimal {
    text.parse().unwrap()
}

const BARE: DayCountContext<'static> = DayCountContext {
    period_start: None,
    period_end: None,
    schedule_start: None,
    schedule_end: None,
    frequency: None,
    end_of_month: None,
    calendar: None,
};

/// The examples of "The Actual/Actual Day Count Fraction", ISDA 1999, to 28 digits.
#[test]
fn the_isda_memorandum_of_1999() {
    let isda = |start, end| year_fraction(DayCount::ActActIsda, d(start), d(end), &BARE).unwrap();
    let afb = |start, end| year_fraction(DayCount::ActActAfb, d(start), d(end), &BARE).unwrap();
    assert_eq!(isda("2003-11-01", "2004-05-01"), exact("0.4977243805674077401003069092"));
    assert_eq!(afb("2003-11-01", "2004-05-01"), exact("0.4972677595628415300546448087"));
    assert_eq!(isda("1999-07-01", "2000-07-01"), exact("1.0013773486039374204656037129"));
    assert_eq!(isda("2003-07-15", "2004-01-15"), exact("0.5040047907777528258103151433"));
}

#[test]
fn icma_cuts_a_stub_along_regular_periods() {
    let icma = |start: &str, end: &str, context: DayCountContext<'_>| {
        year_fraction(DayCount::ActActIcma, d(start), d(end), &context).unwrap()
    };
    let period = |start, end, frequency| DayCountContext {
        period_start: Some(d(start)),
        period_end: Some(d(end)),
        frequency: Some(frequency),
        ..BARE
    };
    // Regular, and a long first period of the memorandum: 181/362 + 153/368.
    let regular = period("2003-11-01", "2004-05-01", Frequency::SEMI_ANNUAL);
    assert_eq!(icma("2003-11-01", "2004-05-01", regular), exact("0.5"));
    let long_first = period("2002-08-15", "2003-07-15", Frequency::SEMI_ANNUAL);
    let want = exact("0.9157608695652173913043478261");
    assert_eq!(icma("2002-08-15", "2003-07-15", long_first), want);
    // A short and a long last period, counted on from their starts: 152/364, and with month ends
    // 91/364 + 61/368.
    let mut short_last = period("2000-01-30", "2000-06-30", Frequency::SEMI_ANNUAL);
    short_last.schedule_end = Some(d("2000-06-30"));
    let want = exact("0.4175824175824175824175824176");
    assert_eq!(icma("2000-01-30", "2000-06-30", short_last), want);
    let mut long_last = period("1999-11-30", "2000-04-30", Frequency::QUARTERLY);
    (long_last.schedule_end, long_last.end_of_month) = (Some(d("2000-04-30")), Some(true));
    let want = exact("0.4157608695652173913043478261");
    assert_eq!(icma("1999-11-30", "2000-04-30", long_last), want);
    // Without a frequency a regular reference period says it.
    let reference = DayCountContext { frequency: None, ..regular };
    assert_eq!(icma("2003-11-01", "2004-05-01", reference), exact("0.5"));
}

/// 28 February to 31 August 2007 tells the conventions of thirty days apart.
#[test]
fn thirty_days_a_month_in_eight_ways() {
    let days =
        |convention, start, end| day_count_days(convention, d(start), d(end), &BARE).unwrap();
    for (convention, want) in [
        (DayCount::Thirty360Isda, 183),
        (DayCount::Thirty360Us, 180),
        (DayCount::Thirty360Psa, 180),
        (DayCount::ThirtyE360, 182),
        (DayCount::ThirtyE360Isda, 180),
        (DayCount::ThirtyEPlus360, 183),
        (DayCount::Thirty360Italian, 180),
        (DayCount::TwentyEightE336, 168),
    ] {
        assert_eq!(days(convention, "2007-02-28", "2007-08-31"), want, "{convention}");
    }
    let to_maturity = DayCountContext { schedule_end: Some(d("2016-02-29")), ..BARE };
    let german = DayCount::ThirtyE360Isda;
    let (start, end) = (d("2012-02-29"), d("2016-02-29"));
    assert_eq!(day_count_days(german, start, end, &to_maturity), Ok(1439));
    assert_eq!(day_count_days(german, start, end, &BARE), Ok(1440));
}

#[test]
fn what_a_convention_must_be_told_is_asked_for() {
    let (start, end) = (d("2024-01-15"), d("2024-07-15"));
    for (convention, context, want) in [
        (DayCount::ActActIcma, BARE, "the end of the coupon period"),
        (
            DayCount::ActActIcma,
            DayCountContext { period_end: Some(end), ..BARE },
            "the coupon frequency",
        ),
        (
            DayCount::ActActIcma,
            DayCountContext { period_end: Some(end), schedule_end: Some(end), ..BARE },
            "the start of the coupon period",
        ),
        (DayCount::Act365L, BARE, "the end of the interest period"),
        (
            DayCount::Act365L,
            DayCountContext { period_end: Some(end), ..BARE },
            "the frequency of interest",
        ),
        (DayCount::Act365Canadian, BARE, "the start of the coupon period"),
        (DayCount::Thirty360UsFlag, BARE, "whether the schedule keeps to month ends"),
        (DayCount::Bus252, BARE, "a calendar of business days"),
    ] {
        let error = year_fraction(convention, start, end, &context).unwrap_err();
        assert_eq!(error.condition(), Condition::NullNotAllowed);
        assert_eq!(error.hint().unwrap(), format!("Give {want}."));
        assert!(error.to_string().contains(convention.name()));
    }
    let weekly =
        DayCountContext { period_end: Some(end), frequency: Some(Frequency::WEEKLY), ..BARE };
    let monthly = DayCountContext { frequency: Some(Frequency::MONTHLY), ..weekly };
    let late = DayCountContext { schedule_start: start.succ_opt(), ..monthly };
    let early = DayCountContext { schedule_end: end.pred_opt(), ..monthly };
    let endless = Frequency::every(11, crate::domain::calendar::FrequencyUnit::Year).unwrap();
    let endless = DayCountContext { frequency: Some(endless), ..weekly };
    for context in [weekly, late, early, endless] {
        let error = year_fraction(DayCount::ActActIcma, start, end, &context).unwrap_err();
        assert!(matches!(error, CalendarError::BadContext { .. }), "{context:?}");
    }
    assert_eq!(year_fraction(DayCount::ActActIcma, start, end, &monthly), Ok(exact("0.5")));
}

/// A Canadian coupon period is its part of a year however many days it has.
#[test]
fn canadian_bonds_pay_equal_coupons() {
    let context = DayCountContext {
        period_start: Some(d("2024-03-01")),
        period_end: Some(d("2024-09-01")),
        frequency: Some(Frequency::SEMI_ANNUAL),
        ..BARE
    };
    let to = |end| year_fraction(DayCount::Act365Canadian, d("2024-03-01"), d(end), &context);
    assert_eq!(to("2024-09-01"), Ok(exact("0.5")));
    assert_eq!(to("2024-08-30"), Ok(exact("0.4945205479452054794520547945")));
    assert_eq!(to("2024-06-09"), Ok(Decimal::from(100) / Decimal::from(365)));
}

#[test]
fn dates_outside_the_years_are_refused_and_those_at_the_end_are_not() {
    let beyond = NaiveDate::from_ymd_opt(10_000, 1, 1).unwrap();
    for row in day_count_names() {
        let error = fraction(row.convention, beyond, d("2024-01-01"), &BARE).unwrap_err();
        assert_eq!(error.condition(), Condition::DatetimeOverflow, "{}", row.name);
    }
    let (start, end) = (d("0001-01-01"), d("9999-12-31"));
    let context = DayCountContext {
        period_start: Some(start),
        period_end: Some(end),
        frequency: Some(Frequency::ANNUAL),
        end_of_month: Some(true),
        ..BARE
    };
    let calendar = BusinessCalendar::every_day();
    let context = DayCountContext { calendar: Some(&calendar), ..context };
    for row in day_count_names() {
        let years = year_fraction_f64(row.convention, start, end, &context).unwrap();
        let of_periods = [DayCount::OneOne, DayCount::Act365Canadian].contains(&row.convention);
        let wanted = if of_periods { 1.0..1.1 } else { 9_860.0..14_500.0 };
        assert!(wanted.contains(&years), "{} {years}", row.name);
    }
}

fn any_convention() -> impl Strategy<Value = DayCount> {
    proptest::sample::select(day_count_names()).prop_map(|row| row.convention)
}

fn any_date() -> impl Strategy<Value = NaiveDate> {
    // Fifty years around a century that is a leap year.
    (3_000..21_000_i32).prop_map(|day| date_of(day).unwrap())
}

/// A context that satisfies every convention.
fn full(calendar: &BusinessCalendar) -> DayCountContext<'_> {
    DayCountContext {
        period_start: Some(d("1999-08-31")),
        period_end: Some(d("2000-02-29")),
        schedule_start: Some(d("1970-01-01")),
        schedule_end: Some(d("2030-02-28")),
        frequency: Some(Frequency::SEMI_ANNUAL),
        end_of_month: Some(true),
        calendar: Some(calendar),
    }
}

fn calendar() -> BusinessCalendar {
    let holidays = (1970..2030).filter_map(|year| NaiveDate::from_ymd_opt(year, 5, 1));
    BusinessCalendar::new(Weekend::SATURDAY_SUNDAY, holidays).unwrap()
}

/// The conventions for which the parts of a period make up the whole: those that place every date
/// on a scale of its own. Bond basis, US, PSA and 30E+ look at both dates at once, and the others
/// choose a year by the period.
const ADDITIVE: [DayCount; 18] = [
    DayCount::ActActIsda,
    DayCount::ActActIcma,
    DayCount::Act365Fixed,
    DayCount::Act360,
    DayCount::Act364,
    DayCount::Act366,
    DayCount::Act336,
    DayCount::Act36525,
    DayCount::Act365L,
    DayCount::Nl365,
    DayCount::Nl360,
    DayCount::ThirtyE360,
    DayCount::ThirtyE360Isda,
    DayCount::Thirty360Italian,
    DayCount::Thirty365,
    DayCount::ThirtyE365,
    DayCount::TwentyEightE336,
    DayCount::Bus252,
];

/// These choose the year by the period: one day more may choose a longer year, and less of it.
const STEPS_BACK: [DayCount; 3] =
    [DayCount::ActActAfb, DayCount::Act365Actual, DayCount::Act365Canadian];

proptest! {
    #[test]
    fn the_other_way_round_is_the_negative(
        convention in any_convention(), a in any_date(), b in any_date(),
    ) {
        let calendar = calendar();
        let context = full(&calendar);
        let there = fraction(convention, a, b, &context).unwrap();
        let back = fraction(convention, b, a, &context).unwrap();
        prop_assert_eq!(there.numerator, -back.numerator);
        prop_assert_eq!(there.denominator, back.denominator);
        prop_assert_eq!(fraction(convention, a, a, &context).unwrap().numerator, 0);
        let days = day_count_days(convention, a, b, &context).unwrap();
        prop_assert_eq!(days, -day_count_days(convention, b, a, &context).unwrap());
        prop_assert!(a > b || there.numerator >= 0);
    }

    #[test]
    fn the_three_forms_are_one_number(
        convention in any_convention(), a in any_date(), b in any_date(),
    ) {
        let calendar = calendar();
        let context = full(&calendar);
        let parts = fraction(convention, a, b, &context).unwrap();
        let decimal = year_fraction(convention, a, b, &context).unwrap();
        let double = year_fraction_f64(convention, a, b, &context).unwrap();
        // Both are the nearest of their kind, so the digits of one read as the other.
        prop_assert_eq!(decimal.to_string().parse(), Ok(double));
        // Multiplied back it misses the numerator by less than the 28th digit allows.
        let back = decimal * Decimal::from(parts.denominator) - Decimal::from(parts.numerator);
        prop_assert!(back.abs() < exact("0.000000000000000001"));
        prop_assert!(parts.denominator > 0);
    }

    #[test]
    fn parts_make_up_the_whole(
        convention in proptest::sample::select(&ADDITIVE[..]),
        a in any_date(), b in any_date(), c in any_date(),
    ) {
        let calendar = calendar();
        // A maturity is the end of the last period and never inside one.
        let context = DayCountContext { schedule_end: None, ..full(&calendar) };
        let part = |from, to| fraction(convention, from, to, &context).unwrap();
        let (ab, bc, ac) = (part(a, b), part(b, c), part(a, c));
        let sum = ab.plus(bc);
        prop_assert_eq!(
            i128::from(sum.numerator) * i128::from(ac.denominator),
            i128::from(ac.numerator) * i128::from(sum.denominator)
        );
    }

    #[test]
    fn a_later_end_is_never_less(
        convention in any_convention().prop_filter("steps back", |one| !STEPS_BACK.contains(one)),
        a in any_date(),
        length in 0..4_000_i32,
    ) {
        let calendar = calendar();
        let context = DayCountContext { schedule_end: None, ..full(&calendar) };
        let end = date_of(crate::domain::calendar::civil::day_number(a) + length).unwrap();
        let later = end.succ_opt().unwrap();
        let to = |end| year_fraction(convention, a, end, &context).unwrap();
        prop_assert!(to(end) <= to(later), "{} {} {}", convention, a, end);
    }
}
