use chrono::Days;
use proptest::prelude::*;

use super::*;
use crate::domain::calendar::{Weekend, add_months};

fn d(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn monthly(start: &str, extent: Extent) -> PaymentDates<'static> {
    PaymentDates::new(d(start), Frequency::MONTHLY, extent)
}

/// The period ends as "mm-dd", an odd period marked.
fn ends(dates: &PaymentDates<'_>) -> String {
    let periods = dates.periods().unwrap();
    let show = |period: &SchedulePeriod| {
        format!("{}{}", period.end.format("%m-%d"), if period.regular { "" } else { "*" })
    };
    periods.iter().map(show).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_number_of_periods_is_counted_from_the_start() {
    let dates = monthly("2024-01-31", Extent::Periods(4));
    assert_eq!(ends(&dates), "02-29 03-31 04-30 05-31");
    let next_month = PaymentDates { roll: RollRule::FirstDayOfNextMonth, ..dates };
    assert_eq!(ends(&next_month), "03-01 03-31 05-01 05-31");
}

#[test]
fn a_first_due_date_makes_the_first_period_odd() {
    let dates = monthly("2024-01-10", Extent::Periods(3));
    let dates = PaymentDates { first_due: Some(d("2024-03-01")), ..dates };
    assert_eq!(ends(&dates), "03-01* 04-01 05-01");
    // Exactly a month on it is not odd.
    let dates = PaymentDates { first_due: Some(d("2024-02-10")), ..dates };
    assert_eq!(ends(&dates), "02-10 03-10 04-10");
    // The seed remembers the 31st that February cannot show.
    let dates = PaymentDates { first_due: Some(d("2024-02-29")), ..dates };
    assert_eq!(ends(&dates), "02-29* 03-29 04-29");
    let dates = PaymentDates { seed: Some(d("2024-01-31")), ..dates };
    assert_eq!(ends(&dates), "02-29* 03-31 04-30");
    // A first due date off the series leads into an odd second period.
    let dates = PaymentDates { first_due: Some(d("2024-02-20")), ..dates };
    assert_eq!(ends(&dates), "02-20* 02-29* 03-31");
}

#[test]
fn a_seed_alone_says_the_day_of_the_month() {
    let dates = monthly("2024-03-12", Extent::Periods(3));
    let dates = PaymentDates { seed: Some(d("2024-03-31")), ..dates };
    assert_eq!(ends(&dates), "03-31* 04-30 05-31");
    let long = PaymentDates { stub: Stub::LongFront, ..dates };
    assert_eq!(ends(&long), "04-30* 05-31 06-30");
    let second_tuesday = RollRule::parse("second tuesday").unwrap();
    let start = d("2024-03-13");
    let dates = PaymentDates { start, seed: None, roll: second_tuesday, ..dates };
    assert_eq!(ends(&dates), "04-09* 05-14 06-11");
    let dates = PaymentDates { seed: Some(d("2024-06-20")), ..dates };
    assert_eq!(ends(&dates), "04-09* 05-14 06-11");
}

#[test]
fn stubs_go_where_they_are_told() {
    let dates = monthly("2024-01-15", Extent::Until(d("2024-05-01")));
    for (stub, want) in [
        (Stub::ShortFront, "02-01* 03-01 04-01 05-01"),
        (Stub::LongFront, "03-01* 04-01 05-01"),
        (Stub::ShortBack, "02-15 03-15 04-15 05-01*"),
        (Stub::LongBack, "02-15 03-15 05-01*"),
    ] {
        assert_eq!(ends(&PaymentDates { stub, ..dates }), want, "{stub:?}");
    }
    assert!(matches!(
        dates.periods(),
        Err(CalendarError::NotWholePeriods { regular, .. }) if regular == d("2024-04-15")
    ));
    // Where the dates divide no stub appears.
    for stub in STUBS.map(|(_, stub)| stub) {
        let whole = PaymentDates { stub, extent: Extent::Until(d("2024-04-15")), ..dates };
        assert_eq!(ends(&whole), "02-15 03-15 04-15", "{stub:?}");
        // Less than one period is one odd period.
        let short = PaymentDates { extent: Extent::Until(d("2024-02-01")), ..whole };
        if stub == Stub::None {
            assert!(short.periods().is_err());
        } else {
            assert_eq!(ends(&short), "02-01*", "{stub:?}");
        }
    }
}

#[test]
fn a_number_of_periods_until_an_end_has_one_odd_period() {
    let dates = monthly("2024-01-15", Extent::PeriodsUntil(3, d("2024-06-01")));
    for (stub, want) in
        [(Stub::ShortFront, "04-01* 05-01 06-01"), (Stub::LongBack, "02-15 03-15 06-01*")]
    {
        assert_eq!(ends(&PaymentDates { stub, ..dates }), want, "{stub:?}");
    }
    assert!(matches!(dates.periods(), Err(CalendarError::NotWholePeriods { .. })));
    let even = PaymentDates { extent: Extent::PeriodsUntil(3, d("2024-04-15")), ..dates };
    assert_eq!(ends(&even), "02-15 03-15 04-15");
    let crowded = Extent::PeriodsUntil(6, d("2024-06-01"));
    for stub in [Stub::ShortFront, Stub::ShortBack] {
        let dates = PaymentDates { extent: crowded, stub, ..dates };
        assert!(matches!(dates.periods(), Err(CalendarError::Contradiction { .. })), "{stub:?}");
    }
}

#[test]
fn due_dates_move_and_accrual_follows_if_told() {
    let calendar = BusinessCalendar::monday_to_friday();
    let convention = BusinessDayConvention::ModifiedFollowing;
    let dates = PaymentDates {
        adjustment: Some(Adjustment { convention, calendar: &calendar }),
        ..monthly("2024-01-31", Extent::Periods(3))
    };
    let periods = dates.periods().unwrap();
    let due: Vec<NaiveDate> = periods.iter().map(|period| period.due).collect();
    assert_eq!(due, ["2024-02-29", "2024-03-29", "2024-04-30"].map(d));
    let accrual = |order| periods[2].accrual(order);
    assert_eq!(accrual(ShiftOrder::CalculateThenShift), (d("2024-03-31"), d("2024-04-30")));
    assert_eq!(accrual(ShiftOrder::ShiftThenCalculate), (d("2024-03-29"), d("2024-04-30")));
    assert_eq!(periods[0].adjusted_start, d("2024-01-31"));
    assert_eq!(periods.iter().map(|period| period.number).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn what_makes_no_schedule_is_refused() {
    let dates = monthly("2024-01-15", Extent::Periods(0));
    for extent in [Extent::Periods(0), Extent::Periods(11_001), Extent::Periods(u32::MAX)] {
        let error = PaymentDates { extent, ..dates }.periods().unwrap_err();
        assert!(matches!(error, CalendarError::CountOutOfBounds { .. }), "{extent:?}");
    }
    let start = d("2024-01-15");
    for extent in [Extent::Until(start), Extent::PeriodsUntil(3, d("2024-01-14"))] {
        let error = PaymentDates { extent, ..dates }.periods().unwrap_err();
        assert!(matches!(error, CalendarError::NotAfterStart { .. }), "{extent:?}");
    }
    let some = PaymentDates { extent: Extent::Periods(3), ..dates };
    let early = PaymentDates { first_due: Some(start), ..some };
    assert!(matches!(early.periods(), Err(CalendarError::NotAfterStart { .. })));
    for stub in [Stub::None, Stub::ShortFront, Stub::ShortBack] {
        let extent = Extent::Until(d("2024-03-01"));
        let late = PaymentDates { first_due: Some(d("2024-03-02")), extent, stub, ..dates };
        assert!(matches!(late.periods(), Err(CalendarError::Contradiction { .. })));
        let extent = Extent::PeriodsUntil(2, d("2024-03-01"));
        let late = PaymentDates { extent, ..late };
        assert!(matches!(late.periods(), Err(CalendarError::Contradiction { .. })));
    }
    let endless = PaymentDates {
        frequency: Frequency::DAILY,
        extent: Extent::Until(d("2124-01-15")),
        ..dates
    };
    assert!(matches!(endless.periods(), Err(CalendarError::CountOutOfBounds { .. })));
    let late = PaymentDates { start: d("9999-11-15"), ..some };
    assert!(matches!(late.periods(), Err(CalendarError::OutOfRange { .. })));
    let last = PaymentDates { extent: Extent::Periods(1), ..late };
    assert_eq!(ends(&last), "12-15");
    let until = PaymentDates { extent: Extent::Until(d("9999-12-31")), ..late };
    for (stub, want) in [(Stub::ShortBack, "12-15 12-31*"), (Stub::ShortFront, "11-30* 12-31")] {
        assert_eq!(ends(&PaymentDates { stub, ..until }), want);
    }
    let december = PaymentDates { start: d("9999-12-20"), stub: Stub::ShortBack, ..until };
    assert_eq!(ends(&december), "12-31*");
    let first_due = Some(d("9999-12-31"));
    assert_eq!(ends(&PaymentDates { first_due, ..last }), "12-31*");
}

fn any_dates() -> impl Strategy<Value = PaymentDates<'static>> {
    let frequency = proptest::sample::select(vec![
        "daily",
        "weekly",
        "every 10 days",
        "semimonthly",
        "semimonthly 1,15",
        "monthly",
        "quarterly",
        "annual",
    ]);
    let roll = proptest::sample::select(vec![
        RollRule::SameDay,
        RollRule::LastDay,
        RollRule::FirstDayOfNextMonth,
    ]);
    let stub = proptest::sample::select(STUBS.map(|(_, stub)| stub).to_vec());
    (0..800_u64, 1..900_u64, 1..90_u32, frequency, roll, stub, 0..3_u8, any::<[Option<u8>; 2]>())
        .prop_map(|(start, length, count, frequency, roll, stub, extent, [first_due, seed])| {
            let start = d("2023-01-01") + Days::new(start);
            let end = start + Days::new(length);
            PaymentDates {
                roll,
                stub,
                first_due: first_due.map(|days| start + Days::new(u64::from(days) + 1)),
                seed: seed.map(|days| start + Days::new(u64::from(days))),
                ..PaymentDates::new(
                    start,
                    Frequency::parse(frequency).unwrap(),
                    match extent {
                        0 => Extent::Periods(count),
                        1 => Extent::Until(end),
                        _ => Extent::PeriodsUntil(count, end),
                    },
                )
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn periods_join_from_the_start_to_the_end(dates in any_dates()) {
        let Ok(periods) = dates.periods() else { return Ok(()) };
        prop_assert_eq!(periods[0].start, dates.start);
        prop_assert!(periods.windows(2).all(|pair| pair[0].end == pair[1].start));
        prop_assert!(periods.iter().all(|period| period.start < period.end));
        prop_assert!(periods.iter().all(|period| period.due == period.end));
        let (count, end) = match dates.extent {
            Extent::Periods(count) => (Some(count), None),
            Extent::Until(end) => (None, Some(end)),
            Extent::PeriodsUntil(count, end) => (Some(count), Some(end)),
        };
        prop_assert!(count.is_none_or(|count| periods.len() == count as usize));
        prop_assert!(end.is_none_or(|end| periods.last().unwrap().end == end));
        prop_assert!(dates.first_due.is_none_or(|due| periods[0].end == due));
        // Odd periods are at the ends, or second where the first due date is off the series.
        let prescribed = matches!(dates.frequency, Frequency::SemiMonthly(Some(_)));
        let off_series = dates.first_due.is_some() && (dates.seed.is_some() || prescribed);
        let front = if off_series { 2 } else { 1 };
        let back = periods.len() - 1;
        let inner = periods.get(front..back).unwrap_or_default();
        prop_assert!(inner.iter().all(|period| period.regular));
        if let Some(months) = dates.frequency.months() {
            for period in inner {
                let step = add_months(period.start, i64::from(months)).unwrap();
                prop_assert!((step - period.end).num_days().abs() <= 3);
            }
        }
    }
}

#[test]
fn nearest_holidays_do_not_change_the_series() {
    let holidays = (1..=15).filter_map(|day| NaiveDate::from_ymd_opt(2024, 2, day));
    let calendar = BusinessCalendar::new(Weekend::SATURDAY_SUNDAY, holidays).unwrap();
    let convention = BusinessDayConvention::Following;
    let dates = PaymentDates {
        adjustment: Some(Adjustment { convention, calendar: &calendar }),
        ..monthly("2024-01-05", Extent::Periods(3))
    };
    let due: Vec<_> = dates.periods().unwrap().into_iter().map(|period| period.due).collect();
    assert_eq!(due, ["2024-02-16", "2024-03-05", "2024-04-05"].map(d));
}
