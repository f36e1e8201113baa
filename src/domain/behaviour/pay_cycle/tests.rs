//! Cycles that are drawn, with what life adds to them, are found again.

use chrono::NaiveDate;
use proptest::prelude::*;

use super::*;
use crate::domain::calendar::civil::{date_of, day_number};
use crate::domain::calendar::{BusinessCalendar, Weekend};

fn day(text: &str) -> i32 {
    day_number(text.parse().unwrap())
}

fn days(texts: &[&str]) -> Vec<i32> {
    texts.iter().map(|text| day(text)).collect()
}

fn infer(texts: &[&str]) -> Found {
    let calendar = BusinessCalendar::monday_to_friday();
    let paid = Paid::new(&days(texts), None).unwrap();
    PayCycles::new(&calendar).infer(&paid, None, &Prior::default()).unwrap()
}

const FRIDAYS: [&str; 6] =
    ["2025-01-03", "2025-01-17", "2025-01-31", "2025-02-14", "2025-02-28", "2025-03-14"];

#[test]
fn every_second_friday_is_biweekly_and_tells_the_next() {
    let found = infer(&FRIDAYS);
    assert_eq!(found.kind, Kind::Biweekly);
    assert_eq!(found.cycle.unwrap().to_string(), "biweekly 2000-01-07 preceding");
    assert_eq!((found.tally.hits(), found.tally.expected(), found.tally.spurious), (6, 6, 0));
    let next = found.next.unwrap();
    assert_eq!(
        (next.day, next.earliest, next.latest),
        (day("2025-03-28"), day("2025-03-28"), day("2025-03-28"))
    );
    assert!(found.confidence > 0.99, "{found:?}");
}

#[test]
fn two_payments_tell_nothing_but_a_colleague_does() {
    assert_eq!(infer(&FRIDAYS[..2]).kind, Kind::Irregular);
    let calendar = BusinessCalendar::monday_to_friday();
    let prior = serde_json::json!({"cycles": {"biweekly 2000-01-07 preceding": 5}});
    let prior = Prior::from_json(prior).unwrap();
    let paid = Paid::new(&days(&FRIDAYS[..2]), None).unwrap();
    let found = PayCycles::new(&calendar).infer(&paid, None, &prior).unwrap();
    assert_eq!(found.kind, Kind::Biweekly);
    assert_eq!(found.next.unwrap().day, day("2025-01-31"));
    // Somebody new is paid as their colleagues are.
    let found =
        PayCycles::new(&calendar).infer(&Paid::default(), Some(day("2025-01-20")), &prior).unwrap();
    assert_eq!((found.kind, found.next.unwrap().day), (Kind::Biweekly, day("2025-01-31")));
}

#[test]
fn how_days_are_moved_is_learned_and_where_it_is_not_the_window_is_wide() {
    let first = ["2025-01-15", "2025-04-15", "2025-05-15", "2025-07-15"];
    let fifteenth = infer(&[&first[..], &["2025-08-15", "2025-09-15", "2025-10-15"]].concat());
    assert_eq!(fifteenth.kind, Kind::Monthly, "{fifteenth:?}");
    // 15 November 2025 is a Saturday, and whether it is paid before or after nobody saw.
    let next = fifteenth.next.unwrap();
    assert!(next.earliest <= day("2025-11-14") && next.latest >= day("2025-11-17"), "{next:?}");
    // February and March of 2025 begin their fifteenth with a Saturday, June with a Sunday.
    for (moved, expected) in [
        (["2025-02-14", "2025-03-14", "2025-06-13"], "2025-11-14"),
        (["2025-02-17", "2025-03-17", "2025-06-16"], "2025-11-17"),
        (["2025-02-15", "2025-03-15", "2025-06-15"], "2025-11-15"),
    ] {
        let all = [&first[..], &["2025-08-15", "2025-09-15", "2025-10-15"], &moved[..]].concat();
        assert_eq!(infer(&all).next.unwrap().day, day(expected), "{moved:?}");
    }
}

#[test]
fn small_amounts_are_no_pay_and_those_of_a_day_are_one() {
    let days = [10, 10, 20, 30, 35];
    let paid = Paid::new(&days, Some(&[500.0, 500.0, 1000.0, 1000.0, 299.0])).unwrap();
    assert_eq!(paid.days(), [10, 20, 30]);
    assert!(Paid::new(&days, Some(&[1.0])).is_err());
}

#[test]
fn without_a_rule_quantiles_of_the_gaps_tell_and_gaps_outlived_do_not_count() {
    let dates = [
        "2023-01-03",
        "2023-01-09",
        "2023-02-20",
        "2023-02-23",
        "2023-05-01",
        "2023-07-19",
        "2023-07-30",
        "2023-12-01",
    ];
    let found = infer(&dates);
    assert_eq!(found.kind, Kind::Irregular);
    let gaps = found.gaps.unwrap();
    assert_eq!((gaps.p50, gaps.count), (42.0, 7));
    let calendar = BusinessCalendar::monday_to_friday();
    let paid = Paid::new(&days(&dates), None).unwrap();
    let later = |as_of| {
        let inferred = PayCycles::new(&calendar).infer(&paid, Some(day(as_of)), &Prior::default());
        inferred.unwrap().next
    };
    assert!(later("2024-01-31").unwrap().day > day("2024-01-31"));
    // Nobody waited for as long as this.
    assert_eq!(later("2024-12-01"), None);
}

#[test]
fn what_is_written_is_read() {
    for text in [
        "daily",
        "weekly friday preceding",
        "biweekly 2000-01-07 following",
        "four_weekly 2000-01-27 unrolled",
        "semimonthly 15 31 preceding",
        "monthly 1 following",
        "monthly friday -1 preceding",
        "monthly business -1",
        "quarterly month 3 31 unrolled",
        "annual month 12 business -1",
    ] {
        assert_eq!(text.parse::<Cycle>().unwrap().to_string(), text);
    }
    for text in [
        "",
        "irregular",
        "weekly",
        "weekly friday",
        "monthly 32 preceding",
        "daily x",
        "semimonthly 15 1 preceding",
        "quarterly month 4 1 preceding",
        "monthly business 0",
        "monthly 1 sideways",
    ] {
        assert!(text.parse::<Cycle>().is_err(), "{text}");
    }
}

fn any_calendar() -> impl Strategy<Value = BusinessCalendar> {
    let start = day("2018-01-01");
    proptest::collection::vec(0..2_200_i32, 0..60).prop_map(move |offsets| {
        let holidays = offsets.into_iter().map(|at| date_of(start + at).unwrap());
        BusinessCalendar::new(Weekend::SATURDAY_SUNDAY, holidays).unwrap()
    })
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let on = prop_oneof![
        (1..=31_u8).prop_map(MonthDay::Day),
        (0..5_u8, prop_oneof![1..=4_i8, Just(-1)]).prop_map(|(w, n)| MonthDay::Weekday(w, n)),
        prop_oneof![Just(-1_i8), Just(-2), Just(2), Just(3)].prop_map(MonthDay::Business),
    ];
    prop_oneof![
        Just(Rule::Daily),
        (0..7_u8).prop_map(|phase| Rule::Weeks(1, phase)),
        (0..14_u8).prop_map(|phase| Rule::Weeks(2, phase)),
        (0..28_u8).prop_map(|phase| Rule::Weeks(4, phase)),
        (1..16_u8, 14..17_u8)
            .prop_map(|(first, by)| Rule::Semimonthly(first, (first + by).min(31))),
        on.clone().prop_map(|on| Rule::Months(1, 0, on)),
        (0..3_u8, 1..=31_u8).prop_map(|(phase, day)| Rule::Months(3, phase, MonthDay::Day(day))),
    ]
}

fn any_roll() -> impl Strategy<Value = Roll> {
    prop_oneof![Just(Roll::Preceding), Just(Roll::Following), Just(Roll::Unrolled)]
}

/// From when, how many days of a cycle.
fn drawn(cycle: Cycle, calendar: &BusinessCalendar, from: i32, count: usize) -> Vec<i32> {
    let mut slots = Vec::new();
    cycle.slots(calendar, from, from + 1_400, &mut slots);
    slots.truncate(count);
    slots.into_iter().map(|slot| slot.day).collect()
}

proptest! {
    /// What was drawn without a fault is found without one, and the cycle found goes on as it did for
    /// as long as nothing new happens to it.
    #[test]
    fn a_cycle_is_found(
        calendar in any_calendar(),
        rule in any_rule(),
        roll in any_roll(),
        from in 0..365_i32,
        count in 12..30_usize,
    ) {
        let cycle = Cycle { rule, roll };
        let seen = drawn(cycle, &calendar, day("2018-01-01") + from, count);
        let paid = Paid::new(&seen, None).unwrap();
        let found = PayCycles::new(&calendar).infer(&paid, None, &Prior::default()).unwrap();
        prop_assert_eq!(found.kind, rule.kind(), "{} {:?}", cycle, &found);
        prop_assert_eq!(found.tally.hits() as usize, paid.days().len());
        prop_assert!(found.tally.missed + found.tally.spurious == 0, "{} {:?}", cycle, &found);
        prop_assert!(found.next.unwrap().day > *seen.last().unwrap());
        // The next day lies in the window, unless the day is moved in a way that was not seen.
        let next = found.next.unwrap();
        let days = PayCycles::new(&calendar).days(cycle, next.earliest - 9, next.latest + 9).unwrap();
        prop_assert!(days.iter().any(|(day, _)| (next.earliest - 4..=next.latest + 4).contains(day)));
    }

    /// A payment missed, one too many and one a day late hide no cycle.
    #[test]
    fn a_cycle_is_found_among_faults(
        calendar in any_calendar(),
        rule in any_rule().prop_filter("every day is no cycle to be late in", |rule| *rule != Rule::Daily),
        roll in any_roll(),
        from in 0..365_i32,
        faults in (3..6_usize, 7..10_usize, 0..100_i32),
    ) {
        let cycle = Cycle { rule, roll };
        let mut seen = drawn(cycle, &calendar, day("2018-01-01") + from, 16);
        let (first, last) = (seen[0], *seen.last().unwrap());
        seen[faults.1] = super::slots::rolled(&calendar, seen[faults.1] + 1, Roll::Following);
        seen.remove(faults.0);
        seen.push(first + (last - first) * faults.2 / 100);
        let paid = Paid::new(&seen, None).unwrap();
        let found = PayCycles::new(&calendar).infer(&paid, None, &Prior::default()).unwrap();
        prop_assert_eq!(found.kind, rule.kind(), "{} {:?}", cycle, &found);
        prop_assert!(found.tally.hits() >= 13, "{} {:?}", cycle, &found);
    }

    /// Nothing that is given makes it panic, and probabilities are some.
    #[test]
    fn any_days_are_taken(
        calendar in any_calendar(),
        offsets in proptest::collection::vec(0..3_000_i32, 0..60),
        later in 0..500_i32,
    ) {
        let first = day("2016-01-01");
        let seen: Vec<i32> = offsets.iter().map(|at| first + at).collect();
        let paid = Paid::new(&seen, None).unwrap();
        let as_of = first + later + 2_600;
        let found = PayCycles::new(&calendar).infer(&paid, Some(as_of), &Prior::default()).unwrap();
        prop_assert!((0.0..=1.0 + 1e-9).contains(&found.confidence));
        if let Some(next) = found.next {
            prop_assert!((0.0..=1.0 + 1e-9).contains(&next.confidence), "{:?}", found);
            prop_assert!(next.earliest <= next.day && next.day <= next.latest, "{:?}", found);
        }
    }

    /// Random payments are taken for a cycle no more often than the threshold promises.
    #[test]
    fn any_cycle_is_read_as_it_is_written(rule in any_rule(), roll in any_roll()) {
        let roll = if rule.is_business() { Roll::Preceding } else { roll };
        let cycle = Cycle { rule, roll };
        prop_assert_eq!(cycle.to_string().parse::<Cycle>().unwrap(), cycle);
    }
}

/// The days of a cycle, and those of chance at the same rate, which must not be taken for one.
#[test]
fn chance_is_not_taken_for_a_cycle() {
    let calendar = BusinessCalendar::monday_to_friday();
    let mut state = 7_u64;
    let mut random = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i32
    };
    let mut taken = 0;
    for _ in 0..500 {
        let seen: Vec<i32> = (0..14).map(|_| day("2020-01-01") + random() % 400).collect();
        let paid = Paid::new(&seen, None).unwrap();
        let found = PayCycles::new(&calendar).infer(&paid, None, &Prior::default()).unwrap();
        taken += i32::from(found.kind != Kind::Irregular);
    }
    assert!(taken <= 25, "{taken} of 500");
    let control: Vec<i32> = (0..14).map(|n| day("2020-01-01") + 14 * n).collect();
    let paid = Paid::new(&control, None).unwrap();
    let found = PayCycles::new(&calendar).infer(&paid, None, &Prior::default()).unwrap();
    assert_eq!(found.kind, Kind::Biweekly);
    assert_eq!(
        date_of(found.next.unwrap().day).unwrap(),
        NaiveDate::from_ymd_opt(2020, 7, 15).unwrap()
    );
}
